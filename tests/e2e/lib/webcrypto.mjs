// SPDX-License-Identifier: Apache-2.0
// WebCrypto as a global, which Node has by itself from version 19 on; Debian 12 has 18.
import { webcrypto } from 'node:crypto';

globalThis.crypto ??= webcrypto;
globalThis.CryptoKey ??= webcrypto.CryptoKey;
