/* SPDX-License-Identifier: MIT */
/*
 * peer_line.c - a connection of a device: made, cut, broken, made again.
 */
#include <string.h>

#include "engine/base/assertion.h"
#include "tests/sim/peer_run.h"

#define CUT_RATE 400 /* steps from cut to cut */

static void
on_connected(void *context, int error)
{
    struct peer_line *line = context;
    line->lost = line->lost || error != CHEK_OK;
}

static void
on_receive(void *context, const uint8_t *bytes, size_t size, int error)
{
    struct peer_line *line = context;
    size_t taken;
    if (error != CHEK_OK || size == 0) {
        line->run->result.counts[PEER_CUTS] += !line->lost;
        line->lost = true;
        return;
    }
    if (size > sizeof line->carry - line->carry_size) {
        peer_violate(line->run, "an answer is too long");
        return;
    }
    memcpy(line->carry + line->carry_size, bytes, size);
    line->carry_size += size;
    do {
        taken = line->carry_size != 0 ? line->take(line) : 0;
        CHEK_ASSERT(taken <= line->carry_size);
        line->carry_size -= taken;
        memmove(line->carry, line->carry + taken, line->carry_size);
    } while (taken != 0);
}

void
peer_line_connect(struct peer_line *line)
{
    struct chek_world_client_owner owner = {line, on_connected, on_receive};
    CHEK_ASSERT(line->client == NULL);
    line->lost = false;
    line->carry_size = 0;
    line->client =
        chek_world_client_connect(line->run->world, line->run->machine, line->address, &owner);
}

void
peer_line_send(struct peer_line *line, const uint8_t *bytes, size_t size)
{
    if (line->client != NULL && !line->lost) {
        chek_world_client_send(line->client, bytes, size);
    }
}

bool
peer_line_step(struct peer_line *line)
{
    struct peer_run *run = line->run;
    if (line->client != NULL && line->lost) {
        chek_world_client_close(line->client);
        line->client = NULL;
    } else if (line->client != NULL && !run->is_calm && peer_below(run, CUT_RATE) == 0) {
        run->result.counts[PEER_CUTS] += 1;
        peer_line_drop(line);
    }
    return line->client != NULL;
}

void
peer_line_drop(struct peer_line *line)
{
    if (line->client != NULL) {
        chek_world_client_reset(line->client);
        line->client = NULL;
    }
}
