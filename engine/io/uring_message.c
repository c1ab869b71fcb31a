/* SPDX-License-Identifier: MIT */
/*
 * uring_message.c - messages between shards: one pipe for each ordered pair, polled once a turn.
 *
 * Posting is two stores. Only at the end of a turn is a peer looked at, and only one that has
 * announced its sleep is woken, since waking a thread costs a thousand times more than a message.
 * See sleep_begin() in uring.c for the other half of the agreement.
 *
 * A slot holds a message's address, or (lowest bit set) a socket that an acceptor deals out.
 */
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine/base/memory.h"
#include "engine/io/uring_shard.h"

_Static_assert((URING_MESSAGE_COUNT & (URING_MESSAGE_COUNT - 1)) == 0, "slots are found by a mask");
_Static_assert(CHEK_SHARD_COUNT_MAX <= 64, "peers are bits of a word");

/* The parts of a slot with a socket: 1 | acceptor << 1 | generation << 8 | socket << 32. */
#define SLOT_ACCEPTOR_SHIFT 1
#define SLOT_GENERATION_SHIFT 8
#define SLOT_SOCKET_SHIFT 32
#define SLOT_GENERATION_MASK 0xffffffu
_Static_assert(URING_ACCEPTOR_COUNT_MAX <= 128, "an acceptor's place fits its bits");

#define TURN_COUNT_MAX 512 /* messages taken from one pipe in one turn */

static size_t
pipes_size(const struct chek_uring_group *group)
{
    return (size_t)group->shard_count * group->shard_count * sizeof(struct uring_pipe);
}

static struct uring_pipe *
pipe_of(const struct chek_uring_group *group, unsigned from, unsigned to)
{
    return &group->pipes[from * group->shard_count + to];
}

int
io__message_create(struct chek_uring_group *group)
{
    group->pipes = io__memory_map(pipes_size(group));
    return group->pipes != NULL ? CHEK_OK : -ENOMEM;
}

/* Messages that were never taken are their owner's; sockets on their way are ours. */
static void
pipe_close_sockets(struct uring_pipe *pipe)
{
    for (unsigned at = atomic_load(&pipe->head); at != atomic_load(&pipe->tail); at++) {
        uint64_t slot = pipe->slots[at % URING_MESSAGE_COUNT];
        if ((slot & 1) != 0) {
            close((int)(slot >> SLOT_SOCKET_SHIFT));
        }
    }
}

void
io__message_destroy(struct chek_uring_group *group)
{
    if (group->pipes == NULL) {
        return;
    }
    for (unsigned i = 0; i < group->shard_count * group->shard_count; i++) {
        pipe_close_sockets(&group->pipes[i]);
    }
    chek_memory_release(group->pipes, pipes_size(group));
}

/* ---- the writer's side ----------------------------------------------------------------------- */

static int
pipe_push(struct uring_shard *shard, unsigned to, uint64_t slot)
{
    struct uring_pipe *pipe = pipe_of(shard->group, shard->io.shard, to);
    unsigned tail = atomic_load_explicit(&pipe->tail, memory_order_relaxed);

    if (tail - pipe->head_seen == URING_MESSAGE_COUNT) {
        pipe->head_seen = atomic_load_explicit(&pipe->head, memory_order_acquire);
        if (tail - pipe->head_seen == URING_MESSAGE_COUNT) {
            return CHEK_E_FULL;
        }
    }
    pipe->slots[tail % URING_MESSAGE_COUNT] = slot;
    atomic_store_explicit(&pipe->tail, tail + 1, memory_order_release);
    if (to != shard->io.shard) {
        shard->dirty_bits |= UINT64_C(1) << to;
    }
    return CHEK_OK;
}

int
io__message_post(struct chek_io *io, unsigned to, struct chek_message *message)
{
    return pipe_push(io__shard(io), to, (uint64_t)(uintptr_t)message);
}

int
io__message_post_socket(struct uring_shard *shard, unsigned to, int socket, unsigned acceptor,
                        uint32_t generation)
{
    uint64_t slot = 1 | (uint64_t)acceptor << SLOT_ACCEPTOR_SHIFT |
                    (uint64_t)(generation & SLOT_GENERATION_MASK) << SLOT_GENERATION_SHIFT |
                    (uint64_t)(uint32_t)socket << SLOT_SOCKET_SHIFT;
    return pipe_push(shard, to, slot);
}

void
io__wake(struct uring_shard *shard)
{
    uint64_t one = 1;

    /* Cannot fail: the counter would have to reach 2^64 - 1 without ever being read. */
    ssize_t size = write(shard->wake_file, &one, sizeof one);
    (void)size;
}

static void
peer_wake(struct uring_shard *shard, unsigned to)
{
    struct uring_shard *peer = &shard->group->shards[to];
    struct io_uring_sqe *entry = io__ring_entry(shard);

    shard->counters.wake_count += 1;
    if (entry == NULL) {
        io__wake(peer);
        return;
    }
    io_uring_prep_msg_ring(entry, peer->ring.ring_fd, 0, URING_DATA_NONE, 0);
    io_uring_sqe_set_flags(entry, IOSQE_CQE_SKIP_SUCCESS);
    io_uring_sqe_set_data64(entry, URING_DATA_WAKE_SENT | (uint64_t)to << 8);
}

void
io__message_wake_peers(struct uring_shard *shard)
{
    while (shard->dirty_bits != 0) {
        unsigned to = (unsigned)__builtin_ctzll(shard->dirty_bits);
        struct uring_pipe *pipe = pipe_of(shard->group, shard->io.shard, to);
        struct uring_shard *peer = &shard->group->shards[to];

        shard->dirty_bits &= shard->dirty_bits - 1;
        /* Publish again, now in the one total order that the peer's announcement is in. */
        atomic_store(&pipe->tail, atomic_load_explicit(&pipe->tail, memory_order_relaxed));
        if (atomic_load(&peer->sleeping) && atomic_exchange(&peer->sleeping, false)) {
            peer_wake(shard, to);
        }
    }
}

/* ---- the reader's side ------------------------------------------------------------------------- */

bool
io__message_is_waiting(struct uring_shard *shard)
{
    for (unsigned from = 0; from < shard->io.shard_count; from++) {
        struct uring_pipe *pipe = pipe_of(shard->group, from, shard->io.shard);
        if (atomic_load(&pipe->tail) != atomic_load_explicit(&pipe->head, memory_order_relaxed)) {
            return true;
        }
    }
    return false;
}

static void
slot_deliver(struct uring_shard *shard, uint64_t slot)
{
    if ((slot & 1) != 0) {
        io__accept_receive(shard, (int)(slot >> SLOT_SOCKET_SHIFT),
                           (unsigned)(slot >> SLOT_ACCEPTOR_SHIFT) & 0x7f,
                           (uint32_t)(slot >> SLOT_GENERATION_SHIFT) & SLOT_GENERATION_MASK);
        return;
    }
    CHEK_ASSERT(shard->io.owner.on_message != NULL);
    shard->io.owner.on_message(shard->io.owner.context, (struct chek_message *)(uintptr_t)slot);
}

void
io__message_run(struct uring_shard *shard)
{
    for (unsigned from = 0; from < shard->io.shard_count; from++) {
        struct uring_pipe *pipe = pipe_of(shard->group, from, shard->io.shard);
        unsigned head = atomic_load_explicit(&pipe->head, memory_order_relaxed);
        unsigned count = atomic_load_explicit(&pipe->tail, memory_order_acquire) - head;

        /* The rest, and what comes while we deliver, waits for the next turn, so a turn ends. */
        for (count = count < TURN_COUNT_MAX ? count : TURN_COUNT_MAX; count > 0; count--) {
            uint64_t slot = pipe->slots[head % URING_MESSAGE_COUNT];
            head += 1;
            atomic_store_explicit(&pipe->head, head, memory_order_release);
            slot_deliver(shard, slot);
            chek_io_step(&shard->io.owner);
        }
    }
}
