/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses as places; it never resolves a name. */
#include "base/place.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

void place_text(const char *address, char ret[SG_PLACE_SIZE])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    char text[INET6_ADDRSTRLEN] = "";
    uint8_t raw[16];

    ret[0] = '\0';
    (void)snprintf(text, sizeof text, "%.*s", (int)strcspn(address, "%"), address);
    if (inet_pton(AF_INET, text, raw) == 1) {
        (void)snprintf(ret, SG_PLACE_SIZE, "%u.%u.%u.%u", raw[0], raw[1], raw[2], raw[3]);
    } else if (inet_pton(AF_INET6, text, raw) == 1) {
        if (memcmp(raw, mapped, sizeof mapped) == 0) {
            (void)snprintf(ret, SG_PLACE_SIZE, "%u.%u.%u.%u", raw[12], raw[13], raw[14], raw[15]);
            return;
        }
        (void)snprintf(ret, SG_PLACE_SIZE, "%x:%x:%x:%x::/64", raw[0] << 8 | raw[1],
                       raw[2] << 8 | raw[3], raw[4] << 8 | raw[5], raw[6] << 8 | raw[7]);
    }
}
