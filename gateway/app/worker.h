/* SPDX-License-Identifier: Apache-2.0 */
/* The network process: TLS, HTTP and storage. Started by the parent; holds no private key. */
#ifndef SG_APP_WORKER_H
#define SG_APP_WORKER_H

/* argv: program, "worker", number of listening sockets (descriptors 4, 5, ...), then the whole
 * configuration as options. Descriptor 3 is the control channel. Returns the exit status. */
int worker_run(int argc, char **argv);

#endif
