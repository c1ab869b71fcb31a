/* SPDX-License-Identifier: MIT */
/*
 * sim_listen.c - addresses and listeners of a machine.
 *
 * Connections to an address go round the shards that listen on it.
 */
#include <errno.h>

#include "tests/sim/sim.h"

struct address {
    char host[CHEK_ADDRESS_TEXT_MAX];
    uint16_t port;
};

/* Digits and dots, or hexadecimal and colons in brackets, or localhost. */
static bool
host_is_valid(const char *host)
{
    size_t size = strlen(host);
    if (size > 2 && host[0] == '[' && host[size - 1] == ']') {
        return strspn(host + 1, "0123456789abcdefABCDEF:.") == size - 2;
    }
    return size != 0 && strspn(host, "0123456789.") == size;
}

static int
address_read(const char *text, struct address *ret)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL || strlen(text) >= CHEK_ADDRESS_TEXT_MAX) {
        return CHEK_E_USAGE;
    }
    struct address address = {.port = 0};
    memcpy(address.host, text, (size_t)(colon - text));
    if (strcmp(address.host, "localhost") == 0) {
        memcpy(address.host, "127.0.0.1", sizeof("127.0.0.1"));
    }
    size_t digit_count = strspn(colon + 1, "0123456789");
    if (!host_is_valid(address.host) || digit_count == 0 || digit_count > 5 ||
        colon[1 + digit_count] != '\0') {
        return CHEK_E_USAGE;
    }
    uint32_t port = 0;
    for (size_t i = 1; i <= digit_count; i++) {
        port = port * 10 + (uint32_t)(colon[i] - '0');
    }
    if (port > UINT16_MAX) {
        return CHEK_E_USAGE;
    }
    address.port = (uint16_t)port;
    *ret = address;
    return CHEK_OK;
}

static bool
is_everywhere(const char *host)
{
    return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "[::]") == 0;
}

int
sim__listen(struct chek_io *io, struct chek_listener *listener, const char *text)
{
    struct sim_shard *shard = sim__shard_of(io);
    struct sim_machine *machine = shard->machine;
    struct address address;
    if (shard->halted) {
        return CHEK_E_HALTED;
    }
    int error = address_read(text, &address);
    if (error != CHEK_OK) {
        return error;
    }
    if (address.port == 0) {
        address.port = machine->port_next++;
    }
    for (size_t i = 0; i < machine->listener_count; i++) {
        const struct sim_listener *other = &machine->listeners[i];
        if (other->shard == shard && other->port == address.port &&
            strcmp(other->host, address.host) == 0) {
            return -EADDRINUSE;
        }
    }
    machine->listeners = sim__array_room(machine->listeners, machine->listener_count,
                                         &machine->listener_capacity, sizeof(struct sim_listener));
    struct sim_listener *added = &machine->listeners[machine->listener_count++];
    *added = (struct sim_listener){.listener = listener, .shard = shard, .port = address.port};
    memcpy(added->host, address.host, sizeof(added->host));
    listener->port = address.port;
    return CHEK_OK;
}

void
sim__listen_stop(struct chek_io *io, struct chek_listener *listener)
{
    struct sim_machine *machine = sim__shard_of(io)->machine;
    size_t kept = 0;
    if (sim__shard_of(io)->halted) {
        return;
    }
    for (size_t i = 0; i < machine->listener_count; i++) {
        if (machine->listeners[i].listener != listener) {
            machine->listeners[kept++] = machine->listeners[i];
        }
    }
    CHEK_ASSERT(kept + 1 == machine->listener_count); /* it was not listening */
    machine->listener_count = kept;
}

bool
sim__listener_is_open(const struct sim_machine *machine, const struct chek_listener *listener)
{
    for (size_t i = 0; i < machine->listener_count; i++) {
        if (machine->listeners[i].listener == listener) {
            return true;
        }
    }
    return false;
}

static bool
listens_on(const struct sim_listener *listener, const struct address *address)
{
    return listener->port == address->port &&
           (is_everywhere(listener->host) || strcmp(listener->host, address->host) == 0);
}

struct sim_listener *
sim__listener_choose(struct sim_machine *machine, const char *text)
{
    struct address address;
    uint64_t count = 0;
    int error = address_read(text, &address);
    CHEK_ASSERT(error == CHEK_OK); /* the test's address */
    for (size_t i = 0; i < machine->listener_count; i++) {
        count += listens_on(&machine->listeners[i], &address);
    }
    if (count == 0) {
        return NULL;
    }
    uint64_t skip = machine->accept_count++ % count;
    for (size_t i = 0; i < machine->listener_count; i++) {
        if (listens_on(&machine->listeners[i], &address) && skip-- == 0) {
            return &machine->listeners[i];
        }
    }
    return NULL;
}
