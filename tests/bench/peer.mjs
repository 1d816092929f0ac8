// SPDX-License-Identifier: Apache-2.0
// nginx with the gateway's certificate and key, as it comes from Debian but for limits that would be in the way.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { eventually } from '../e2e/lib/gateway.mjs';
import { kekOf, unseal } from '../e2e/lib/sealed.mjs';
import { run } from './measure.mjs';

const STOP_MS = 5000;

// A port that was free a moment ago.
function freePort() {
  return new Promise((done, fail) => {
    const server = createServer().on('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

// The channel of long-polls that chat is compared with.
const NCHAN = '/usr/lib/nginx/modules/ngx_nchan_module.so';
const channel = `
    location = /pub { nchan_publisher; nchan_channel_id room; nchan_message_buffer_length 100; }
    location = /sub { nchan_subscriber longpoll; nchan_channel_id room; nchan_subscriber_first_message newest; }
    location = /status { nchan_stub_status; }`;

const configuration = (gw, directory, port, sizes, nchan) => `
${nchan ? `load_module ${NCHAN};` : ''}
worker_processes auto; worker_rlimit_nofile 20000;
daemon off; pid ${directory}/nginx.pid; error_log ${directory}/error.log warn;
${process.getuid() === 0 ? 'user root;' : ''}
events { worker_connections 9000; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; keepalive_timeout 600s;
  client_max_body_size 0; client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fcgi; uwsgi_temp_path ${directory}/uwsgi; scgi_temp_path ${directory}/scgi;
  ssl_certificate ${gw.data}/tls/server.pem; ssl_certificate_key ${directory}/tls.key;
  ssl_protocols TLSv1.3; ssl_session_tickets on;
  server {
    listen 127.0.0.1:${port} ssl; root ${directory}/www;
    location = /daytime { default_type application/json; return 200 '${'x'.repeat(sizes.daytime)}'; }
    location = /me { default_type application/json; return 200 '${'x'.repeat(sizes.me)}'; }
    location /put/ { dav_methods PUT; create_full_put_path on; }${nchan ? channel : ''}
  }
}`;

// sizes: bytes of the two fixed answers. nchan: with the channel /pub, /sub.
export async function startPeer(gw, directory, sizes, { nchan = false } = {}) {
  const port = await freePort();
  const file = join(directory, 'nginx.conf');
  mkdirSync(join(directory, 'www/put'), { recursive: true });
  const keyring = join(gw.data, 'keyring');
  const key = unseal(kekOf(keyring), readFileSync(join(keyring, 'tls.key')), 'private-key', 'tls');
  writeFileSync(join(directory, 'tls.key'), key, { mode: 0o600 });
  writeFileSync(file, configuration(gw, directory, port, sizes, nchan));
  // setpriv: it ends with this process, however that ends. Detached: a process group of its own, to end it as a whole.
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', 'nginx', '-c', file, '-p', directory], {
    stdio: ['ignore', 'ignore', 'inherit'],
    detached: true,
  });
  let gone = false;
  const exited = new Promise((done) => child.on('error', done).on('exit', done)).then(() => (gone = true));
  const kill = () => {
    try {
      if (!gone) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It is gone already.
    }
  };
  process.on('exit', kill);
  const origin = `https://127.0.0.1:${port}`;
  const probe = ['-sS', '-o', '/dev/null', '--cacert', join(gw.data, 'ca.pem'), `${origin}/me`];
  await eventually(() => {
    if (gone) throw new Error('nginx ended at start');
    return run('curl', probe).then(() => true, () => false);
  }, 'nginx');
  return {
    origin,
    port,
    pid: child.pid,
    add: (name, bytes) => writeFileSync(join(directory, 'www', name), bytes),
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(kill, STOP_MS);
      await exited;
      clearTimeout(timer);
    },
  };
}
