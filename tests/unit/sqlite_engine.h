/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite engine as the contract takes it. */
#ifndef SG_TESTS_SQLITE_ENGINE_H
#define SG_TESTS_SQLITE_ENGINE_H

#include "contract.h"

extern const struct contract_engine sqlite_engine;

#endif
