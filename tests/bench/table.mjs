// SPDX-License-Identifier: Apache-2.0
// The table of figures: rows with aim and verdict, and what falls short. It never measures.

export const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);

export const median = (list) => {
  const sorted = [...list].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

const text = (value) => (value >= 1000 ? Math.round(value).toString() : value.toPrecision(3));

function print(cells) {
  const [name, us, peer, unit, ratio, spread, aim, verdict] = cells;
  console.log(
    `${name.padEnd(38)} ${us.padStart(8)} ${peer.padStart(8)} ${unit.padEnd(7)} ${ratio.padStart(6)} ` +
      `${spread.padEnd(12)} ${aim.padEnd(7)} ${verdict}`.trimEnd()
  );
}

export class Table {
  rows = [];

  head() {
    print(['figure', 'us', 'nginx', 'unit', 'ratio', '', 'aim', '']);
  }

  // more: whether a larger ratio is better. spread: least and largest ratio of a round.
  row(name, { unit, us, peer, ratio = us / peer, spread, aim, more = true }) {
    const met = aim === undefined ? undefined : more ? ratio >= aim : ratio <= aim;
    this.rows.push({ name, unit, us, peer, ratio, spread, aim, met });
    print([
      name,
      text(us),
      text(peer),
      unit,
      ratio.toFixed(2),
      spread ? `(${spread.map((value) => value.toFixed(2)).join('-')})` : '',
      aim === undefined ? '' : `${more ? '>=' : '<='} ${aim}`,
      met === undefined ? '' : met ? 'met' : 'SHORT',
    ]);
  }

  // measure('us' | 'peer') gives a figure. The two take turns, and the ratio is the median of the rounds' ratios, so
  // that what else the machine does falls on both.
  async compare(name, unit, aim, measure, more = true) {
    const figures = { us: [], peer: [] };
    for (let round = 0; round < ROUNDS; round++)
      for (const which of round % 2 ? ['peer', 'us'] : ['us', 'peer']) figures[which].push(await measure(which));
    const ratios = figures.us.map((value, i) => value / figures.peer[i]);
    const spread = [Math.min(...ratios), Math.max(...ratios)];
    this.row(name, {
      unit, us: median(figures.us), peer: median(figures.peer), ratio: median(ratios), spread, aim, more,
    });
  }

  foot(conditions) {
    const short = this.rows.filter((row) => row.met === false);
    console.log(`\n${conditions}; in brackets the least and the largest ratio of a round.`);
    console.log('Rows "page of": the large directory instead of us, the small one instead of nginx.');
    if (short.length === 0) console.log('Every aim is met.');
    else console.log(`Short of the aim: ${short.map((row) => `${row.name} (${row.ratio.toFixed(2)})`).join(', ')}.`);
  }
}
