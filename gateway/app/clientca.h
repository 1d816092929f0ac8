/* SPDX-License-Identifier: Apache-2.0 */
/* An entry of tls.client-ca: `FILE RULE` or `FILE RULE CRL`, words between spaces or tabs. */
#ifndef SG_APP_CLIENTCA_H
#define SG_APP_CLIENTCA_H

enum clientca_word { SG_CLIENTCA_FILE, SG_CLIENTCA_RULE, SG_CLIENTCA_CRL };

/* One of its words, to be freed; NULL when it is not there, or without memory. */
char *clientca_word(const char *entry, enum clientca_word which);

#endif
