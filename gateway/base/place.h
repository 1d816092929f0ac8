/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What counts as one place on the network, for limits and for the addresses that a user is known
 * to come from: an IPv4 address, also if written as IPv6 (RFC 4291, 2.5.5.2), or the /64 of an IPv6
 * address, within which a host takes new addresses as it likes (RFC 8981).
 */
#ifndef SG_BASE_PLACE_H
#define SG_BASE_PLACE_H

#define SG_PLACE_SIZE 32

/* "192.0.2.1" or "2001:db8:1:2::/64"; "" for what is no address. A zone ("%eth0") is left out. */
void place_text(const char *address, char ret[SG_PLACE_SIZE]);

#endif
