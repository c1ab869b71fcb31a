/* SPDX-License-Identifier: MIT */
/*
 * server_rot.c - bits of sealed rows turn while nobody reads them.
 *
 * Only what a start does not read is damaged: the groups of segments. Every answer has then to be
 * right or refused with CORRUPT, and right again when the bits are what they were.
 */
#include "tests/sim/server_run.h"

#include <stdio.h>

#define FILE_HEAD_SIZE 64 /* persist/FORMAT.md "Immutable files" */
#define NAME_COUNT_MAX 256

struct names {
    unsigned count;
    char paths[NAME_COUNT_MAX][RUN_ROT_PATH_SIZE];
};

static void
on_name(void *context, const char *name)
{
    struct names *names = context;
    if (names->count < NAME_COUNT_MAX) {
        (void)snprintf(names->paths[names->count++], RUN_ROT_PATH_SIZE, "segment/%s", name);
    }
}

/* Turn a bit of a byte of a file's groups. */
static void
rot_one(struct run *run, const char *path)
{
    uint8_t head[FILE_HEAD_SIZE + CHEK_SEGMENT_HEAD_SIZE];
    struct run_rot *rot = &run->rots[run->rot_count];
    uint64_t front_size, size;
    int64_t got = chek_world_peek(run->world, run->machine, path, head, sizeof head, 0);
    if (got != (int64_t)sizeof head ||
        chek_segment_front(chek_bytes_view_of(head + FILE_HEAD_SIZE, CHEK_SEGMENT_HEAD_SIZE),
                           &front_size, &size) != CHEK_OK ||
        size <= front_size) {
        return;
    }
    rot->offset = FILE_HEAD_SIZE + front_size + run_below(run, size - front_size);
    if (chek_world_peek(run->world, run->machine, path, &rot->byte, 1, rot->offset) != 1) {
        return;
    }
    (void)snprintf(rot->path, sizeof rot->path, "%s", path);
    uint8_t damaged = (uint8_t)(rot->byte ^ 1u << run_below(run, 8));
    chek_world_poke(run->world, run->machine, path, &damaged, 1, rot->offset);
    run_say(run, "%s rots at %llu", path, (unsigned long long)rot->offset);
    run->rot_count += 1;
    run->result.rot_count += 1;
}

void
run_rot_begin(struct run *run)
{
    static struct names names;
    names.count = 0;
    run->rot_count = 0;
    run->is_rotten = true;
    if (chek_disk_list(run->ios[0], "segment", on_name, &names) != CHEK_OK) {
        return;
    }
    for (unsigned i = 0; names.count != 0 && i < RUN_ROT_COUNT; i++) {
        rot_one(run, names.paths[run_below(run, names.count)]);
    }
}

void
run_rot_end(struct run *run)
{
    while (run->rot_count > 0) { /* the last one first: two may be of one byte */
        const struct run_rot *rot = &run->rots[--run->rot_count];
        chek_world_poke(run->world, run->machine, rot->path, &rot->byte, 1, rot->offset);
    }
}
