/* SPDX-License-Identifier: MIT */
/*
 * step.c - looks at the clock between what a shard does.
 *
 * A step begins where the one before it ended, and the first one after a wait where that ended: so
 * there is one look at the clock a step, and nothing between steps is left out.
 */
#include "tools/server/step.h"

#include "tools/server/shard.h"

static void
most_of(uint64_t value, uint64_t *most)
{
    *most = value > *most ? value : *most;
}

static void
part_end(struct server__shard *shard, uint64_t now_ns)
{
    struct server__steps *steps = &shard->steps;
    struct chek_store_effort *most = &steps->most[steps->part];
    struct chek_store_effort effort = *chek_store_pool_effort(shard->pool);
    most_of(now_ns - steps->part_begin_ns, &steps->longest_part_ns[steps->part]);
    most_of(effort.rows - steps->before.rows, &most->rows);
    most_of(effort.documents - steps->before.documents, &most->documents);
    most_of(effort.bytes - steps->before.bytes, &most->bytes);
    steps->part_begin_ns = now_ns;
    steps->before = effort;
}

void
server__steps_wake(void *context)
{
    struct server__shard *shard = context;
    shard->steps.begin_ns = shard->steps.part_begin_ns = chek_io_now_ns(shard->io);
    shard->steps.before = *chek_store_pool_effort(shard->pool);
    shard->steps.part = STEP_OTHER;
}

void
server__steps_end(void *context)
{
    struct server__shard *shard = context;
    struct server__steps *steps = &shard->steps;
    uint64_t now_ns = chek_io_now_ns(shard->io);
    uint64_t step_ns = now_ns - steps->begin_ns;
    part_end(shard, now_ns);
    most_of(step_ns, &steps->longest_ns);
    steps->long_count += step_ns > SERVER_STEP_NS_MAX;
    steps->begin_ns = now_ns;
    steps->part = STEP_OTHER;
}

void
server__step_is(struct server__shard *shard, enum server__step part)
{
    shard->steps.part = part;
}

void
server__step_next(struct server__shard *shard, enum server__step part)
{
    part_end(shard, chek_io_now_ns(shard->io));
    shard->steps.part = part;
}

struct chek_store_effort
server__step_most(const struct chek_server *server, enum server__step part)
{
    struct chek_store_effort most = {0};
    for (unsigned i = 0; i < server__shard_count(server); i++) {
        const struct chek_store_effort *effort = &server__shard_read(server, i)->steps.most[part];
        most_of(effort->rows, &most.rows);
        most_of(effort->documents, &most.documents);
        most_of(effort->bytes, &most.bytes);
    }
    return most;
}
