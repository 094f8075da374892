// Reads "host:port", the form in which an address to serve on is written. Looks nothing up.
// SPDX-License-Identifier: Apache-2.0
#ifndef GS_BASE_ADDRESS_H
#define GS_BASE_ADDRESS_H

struct gs_address {
    char host[256]; // "" for all addresses; without the brackets of IPv6
    char port[8];   // "0" to "65535"
};

// NULL, or what is wrong with the text, for a person; then out_address is as it was.
const char *gs_address_parse(const char *text, struct gs_address *out_address);

#endif
