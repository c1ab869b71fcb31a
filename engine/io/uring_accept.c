/* SPDX-License-Identifier: MIT */
/*
 * uring_accept.c - one accepting socket an address, its connections dealt out in turn.
 *
 * With SO_REUSEPORT the kernel spreads connections by a hash, so sixteen of them may fall eleven
 * to five. Here the shard that listened first accepts for all, and hands each next connection to
 * the next shard that listens, through the pipe between them.
 *
 * `listeners[i]` is written under the mutex by shard i alone; the accepting shard reads only
 * whether it is set. Stopping shuts the socket down, which any thread may do; the accept that
 * waits then ends on its own shard, and that shard closes and frees the place.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/io/uring_shard.h"

/* Without descriptors or memory accepting rests this long; clients wait in the kernel's queue. */
#define ACCEPT_PAUSE_NS UINT64_C(50000000)

void
io__accept_create(struct chek_uring_group *group)
{
    pthread_mutex_init(&group->acceptor_mutex, NULL);
    for (unsigned i = 0; i < URING_ACCEPTOR_COUNT_MAX; i++) {
        group->acceptors[i].file = -1;
    }
}

void
io__accept_destroy(struct chek_uring_group *group)
{
    for (unsigned i = 0; i < URING_ACCEPTOR_COUNT_MAX; i++) {
        if (group->acceptors[i].file >= 0) {
            close(group->acceptors[i].file);
        }
    }
    pthread_mutex_destroy(&group->acceptor_mutex);
}

/* ---- listen and stop --------------------------------------------------------------------------- */

/* Whether the address leaves the port to the system: two such need not be one. */
static bool
port_is_open(const char *address)
{
    size_t size = strlen(address);
    return size >= 2 && strcmp(address + size - 2, ":0") == 0;
}

/*
 * The acceptor that listens on `address`, else a free place, else NULL. A shard that listens on
 * HOST:0 already means another port when it asks again.
 */
static struct uring_acceptor *
acceptor_find(const struct uring_shard *shard, const char *address)
{
    struct chek_uring_group *group = shard->group;
    struct uring_acceptor *vacant = NULL;

    for (unsigned i = 0; i < URING_ACCEPTOR_COUNT_MAX; i++) {
        struct uring_acceptor *acceptor = &group->acceptors[i];
        if (acceptor->file < 0) {
            vacant = vacant != NULL ? vacant : acceptor;
        } else if (atomic_load(&acceptor->listener_count) > 0 &&
                   strcmp(acceptor->address, address) == 0 &&
                   (!port_is_open(address) ||
                    atomic_load(&acceptor->listeners[shard->io.shard]) == NULL)) {
            return acceptor;
        }
    }
    return vacant;
}

static int
acceptor_open(struct uring_acceptor *acceptor, struct uring_shard *shard, const char *address)
{
    int error = io__address_listen(address, &acceptor->file, &acceptor->port);

    if (error != CHEK_OK) {
        return error;
    }
    memcpy(acceptor->address, address, strlen(address) + 1);
    acceptor->shard = shard;
    acceptor->next_shard = 0;
    acceptor->op.kind = URING_ACCEPT;
    acceptor->op.file = acceptor->file;
    acceptor->again.kind = URING_ACCEPT_AGAIN;
    io__start(shard, &acceptor->op);
    return CHEK_OK;
}

static int
listen_locked(struct uring_shard *shard, struct chek_listener *listener, const char *address)
{
    struct uring_acceptor *acceptor = acceptor_find(shard, address);

    if (acceptor == NULL) {
        return CHEK_E_FULL;
    }
    if (acceptor->file < 0) {
        int error = acceptor_open(acceptor, shard, address);
        if (error != CHEK_OK) {
            return error;
        }
    }
    if (atomic_load(&acceptor->listeners[shard->io.shard]) != NULL) {
        return -EADDRINUSE;
    }
    atomic_store(&acceptor->listeners[shard->io.shard], listener);
    atomic_fetch_add(&acceptor->listener_count, 1);
    listener->op.argument = acceptor;
    listener->file = acceptor->file;
    listener->port = acceptor->port;
    return CHEK_OK;
}

int
io__listen(struct chek_io *io, struct chek_listener *listener, const char *address)
{
    struct uring_shard *shard = io__shard(io);

    if (strlen(address) >= CHEK_ADDRESS_TEXT_MAX) {
        return CHEK_E_USAGE;
    }
    pthread_mutex_lock(&shard->group->acceptor_mutex);
    int error = listen_locked(shard, listener, address);
    pthread_mutex_unlock(&shard->group->acceptor_mutex);
    return error;
}

void
io__listen_stop(struct chek_io *io, struct chek_listener *listener)
{
    struct uring_shard *shard = io__shard(io);
    struct uring_acceptor *acceptor = listener->op.argument;

    if (acceptor == NULL) {
        return;
    }
    pthread_mutex_lock(&shard->group->acceptor_mutex);
    CHEK_ASSERT(atomic_load(&acceptor->listeners[io->shard]) == listener);
    atomic_store(&acceptor->listeners[io->shard], NULL);
    if (atomic_fetch_sub(&acceptor->listener_count, 1) == 1) {
        shutdown(acceptor->file, SHUT_RDWR);
    }
    listener->op.argument = NULL;
    listener->file = -1;
    pthread_mutex_unlock(&shard->group->acceptor_mutex);
}

void
io__refuse(struct chek_io *io, int socket)
{
    (void)io;
    close(socket);
}

/* ---- connections ------------------------------------------------------------------------------- */

/* Give `socket` to the shard if it listens; closed otherwise. */
static void
connection_give(struct uring_shard *shard, struct uring_acceptor *acceptor, int socket)
{
    struct chek_listener *listener = atomic_load(&acceptor->listeners[shard->io.shard]);

    if (listener == NULL) {
        close(socket);
        return;
    }
    listener->on_accept(listener, socket);
}

static void
connection_deal(struct uring_shard *shard, struct uring_acceptor *acceptor, int socket)
{
    unsigned place = (unsigned)(acceptor - shard->group->acceptors);

    for (unsigned tried = 0; tried < shard->io.shard_count; tried++) {
        unsigned to = acceptor->next_shard;
        acceptor->next_shard = (to + 1) % shard->io.shard_count;
        if (to == shard->io.shard) {
            if (atomic_load(&acceptor->listeners[to]) != NULL) {
                connection_give(shard, acceptor, socket);
                return;
            }
        } else if (atomic_load(&acceptor->listeners[to]) != NULL &&
                   io__message_post_socket(shard, to, socket, place, acceptor->generation) ==
                       CHEK_OK) {
            return;
        }
    }
    close(socket); /* nobody listens any more, or every listener is far behind */
}

void
io__accept_receive(struct uring_shard *shard, int socket, unsigned place, uint32_t generation)
{
    struct uring_acceptor *acceptor = &shard->group->acceptors[place];
    uint32_t now = atomic_load(&acceptor->generation);

    if (((now ^ generation) & 0xffffff) != 0) {
        close(socket);
        return;
    }
    connection_give(shard, acceptor, socket);
}

static bool
acceptor_release_if_stopped(struct uring_shard *shard, struct uring_acceptor *acceptor)
{
    pthread_mutex_lock(&shard->group->acceptor_mutex);
    bool stopped = atomic_load(&acceptor->listener_count) == 0;
    if (stopped) {
        close(acceptor->file);
        acceptor->file = -1;
        atomic_fetch_add(&acceptor->generation, 1);
    }
    pthread_mutex_unlock(&shard->group->acceptor_mutex);
    return stopped;
}

/* Errors of one connection that has gone already, and of a signal: the next accept may be fine. */
static bool
accept_error_is_passing(int error)
{
    switch (error) {
    case -EINTR:
    case -EAGAIN:
    case -ECONNABORTED:
    case -EPROTO:
    case -ECANCELED:
        return true;
    default:
        return false;
    }
}

static void
accept_pause(struct uring_shard *shard, struct uring_acceptor *acceptor, int error)
{
    struct chek_listener *listener = atomic_load(&acceptor->listeners[shard->io.shard]);

    shard->counters.accept_pause_count += 1;
    acceptor->again.deadline_ns = io__clock_ns() + ACCEPT_PAUSE_NS;
    io__timer_add(shard, &acceptor->again);
    if (listener != NULL) {
        listener->on_accept(listener, error);
    }
}

void
io__accept_on_done(struct uring_shard *shard, struct chek_op *op, int result, bool more)
{
    struct uring_acceptor *acceptor = CHEK_CONTAINER_OF(op, struct uring_acceptor, op);

    if (result >= 0) {
        connection_deal(shard, acceptor, result);
    }
    if (more || acceptor_release_if_stopped(shard, acceptor)) {
        return;
    }
    if (result >= 0 || accept_error_is_passing(result)) {
        io__start(shard, op);
    } else {
        accept_pause(shard, acceptor, result);
    }
}

void
io__accept_again(struct uring_shard *shard, struct chek_op *op)
{
    struct uring_acceptor *acceptor = CHEK_CONTAINER_OF(op, struct uring_acceptor, again);

    if (!acceptor_release_if_stopped(shard, acceptor)) {
        io__start(shard, &acceptor->op);
    }
}
