/* SPDX-License-Identifier: Apache-2.0 */
/* RPM packages of any content: what is taken is whole, printable and the same when it comes in
 * pieces. */
#include "fuzz_package.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    fuzz_package(data, len, package_rpm_read);
    return 0;
}
