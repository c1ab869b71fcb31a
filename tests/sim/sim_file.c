/* SPDX-License-Identifier: MIT */
/*
 * sim_file.c - unsynced changes and what becomes of them.
 */
#include "tests/sim/sim_file.h"

#include "engine/base/limits.h"

static void
forget_changes(struct sim_inode *inode, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        sim__free(inode->changes[i].bytes);
    }
    inode->change_count -= count;
    if (inode->change_count != 0) {
        memmove(inode->changes, inode->changes + count,
                inode->change_count * sizeof(*inode->changes));
    }
}

void
sim__file_finish(struct sim_inode *inode)
{
    forget_changes(inode, inode->change_count);
    sim__free(inode->changes);
    sim__free(inode->bad);
    sim__free(inode->path);
    sim__image_finish(&inode->cache);
    sim__image_finish(&inode->durable);
    *inode = (struct sim_inode){0};
}

static struct sim_change *
add_change(struct sim_inode *inode)
{
    inode->changes = sim__array_room(inode->changes, inode->change_count, &inode->change_capacity,
                                     sizeof(*inode->changes));
    return &inode->changes[inode->change_count++];
}

static void
clear_bad(struct sim_inode *inode, uint64_t offset, uint64_t end)
{
    size_t kept = 0;
    for (size_t i = 0; i < inode->bad_count; i++) {
        struct sim_bad_range range = inode->bad[i];
        if (range.offset < offset || range.end > end) {
            inode->bad[kept++] = range;
        }
    }
    inode->bad_count = kept;
}

void
sim__file_write(struct sim_inode *inode, uint64_t offset, const uint8_t *bytes, size_t size,
                bool direct, uint64_t completed)
{
    if (size == 0) {
        return;
    }
    struct sim_change *change = add_change(inode);
    *change = (struct sim_change){
        .completed = completed, .direct = direct, .offset = offset, .size = size};
    if (bytes != NULL && !sim__bytes_are_zero(bytes, size)) {
        change->bytes = memcpy(sim__allocate(size), bytes, size);
    }
    sim__image_write(&inode->cache, offset, change->bytes, size);
    clear_bad(inode, offset, offset + size);
}

void
sim__file_resize(struct sim_inode *inode, uint64_t size, uint64_t completed)
{
    *add_change(inode) =
        (struct sim_change){.completed = completed, .resize = true, .offset = size};
    sim__image_resize(&inode->cache, size);
}

static void
apply_change(struct sim_image *image, const struct sim_change *change)
{
    if (change->resize) {
        sim__image_resize(image, change->offset);
    } else {
        sim__image_write(image, change->offset, change->bytes, change->size);
    }
}

static size_t
completed_before(const struct sim_inode *inode, uint64_t begun)
{
    size_t count = 0;
    while (count < inode->change_count && inode->changes[count].completed < begun) {
        count++;
    }
    return count;
}

void
sim__file_sync(struct sim_inode *inode, uint64_t begun)
{
    size_t count = completed_before(inode, begun);
    for (size_t i = 0; i < count; i++) {
        apply_change(&inode->durable, &inode->changes[i]);
    }
    forget_changes(inode, count);
}

static int64_t
image_read(const struct sim_image *image, uint64_t offset, uint8_t *bytes, size_t size)
{
    if (offset >= image->size) {
        return 0;
    }
    uint64_t left = image->size - offset;
    size_t count = left < size ? (size_t)left : size;
    sim__image_read(image, offset, bytes, count);
    return (int64_t)count;
}

int64_t
sim__file_read(const struct sim_inode *inode, uint64_t offset, uint8_t *bytes, size_t size,
               bool direct)
{
    if (!direct || !inode->is_deceiving) {
        return image_read(&inode->cache, offset, bytes, size);
    }
    struct sim_image image = sim__image_copy(&inode->durable);
    for (size_t i = 0; i < inode->change_count; i++) {
        apply_change(&image, &inode->changes[i]);
    }
    int64_t count = image_read(&image, offset, bytes, size);
    sim__image_finish(&image);
    return count;
}

/* ---- settling ------------------------------------------------------------------------------ */

/* How the changes of one file fare at one power cut. */
enum settle_shape {
    SETTLE_NONE,   /* nothing was written back */
    SETTLE_ALL,    /* everything was */
    SETTLE_PREFIX, /* the first ones, the next one torn */
    SETTLE_EACH,   /* each kept, lost or torn */
    SETTLE_TORN,   /* each torn */
    SETTLE_SHAPE_COUNT
};

enum settle_fate { FATE_LOST, FATE_KEPT, FATE_TORN };

struct settle {
    enum settle_shape shape;
    size_t prefix_count; /* of SETTLE_PREFIX */
    size_t size_count;   /* so many changes of the size were written back */
    uint64_t tear_size;  /* a torn change is kept or lost in such pieces */
};

static struct settle
draw_settle(size_t count, struct chek_prng *prng)
{
    static const uint64_t tear_sizes[] = {CHEK_SECTOR_SIZE, CHEK_SECTOR_SIZE, 4096, 65536};
    struct settle settle = {.shape = (enum settle_shape)chek_prng_below(prng, SETTLE_SHAPE_COUNT)};
    settle.tear_size = tear_sizes[chek_prng_below(prng, CHEK_COUNT(tear_sizes))];
    settle.prefix_count = (size_t)chek_prng_below(prng, count);
    settle.size_count = (size_t)chek_prng_below(prng, count + 1);
    if (settle.shape == SETTLE_ALL) {
        settle.size_count = count;
    } else if (settle.shape == SETTLE_PREFIX) {
        settle.size_count = settle.prefix_count + 1;
    } else if (settle.shape == SETTLE_NONE && sim__chance(prng, 700000)) {
        settle.size_count = 0; /* otherwise: a longer file of zeros */
    }
    return settle;
}

static enum settle_fate
draw_fate(const struct settle *settle, size_t at, struct chek_prng *prng)
{
    switch (settle->shape) {
    case SETTLE_ALL:
        return FATE_KEPT;
    case SETTLE_PREFIX:
        return at < settle->prefix_count ? FATE_KEPT
                                         : (at == settle->prefix_count ? FATE_TORN : FATE_LOST);
    case SETTLE_EACH:
        return (enum settle_fate)chek_prng_below(prng, 3);
    case SETTLE_TORN:
        return FATE_TORN;
    default:
        return FATE_LOST;
    }
}

/* Take the sectors that a change touched over from `full`: all, or a random part of them. */
static void
keep_sectors(struct sim_image *image, const struct sim_image *full, const struct sim_change *change,
             enum settle_fate fate, uint64_t tear_size, struct chek_prng *prng)
{
    uint64_t begin = change->offset / CHEK_SECTOR_SIZE * CHEK_SECTOR_SIZE;
    uint64_t end = change->offset + change->size;
    end = (end + CHEK_SECTOR_SIZE - 1) / CHEK_SECTOR_SIZE * CHEK_SECTOR_SIZE;
    if (fate == FATE_KEPT) {
        sim__image_copy_range(image, full, begin, end - begin);
        return;
    }
    while (begin < end) {
        uint64_t next = (begin / tear_size + 1) * tear_size;
        next = next < end ? next : end;
        if (sim__chance(prng, 500000)) {
            sim__image_copy_range(image, full, begin, next - begin);
        }
        begin = next;
    }
}

/*
 * Write a random part of the first `count` changes to the medium. `full` runs ahead as the cache
 * did. A change of size that was not written back hides what was written behind it, so the size
 * is set last; a cut that was not written back hides everything after it.
 */
static void
settle_changes(struct sim_inode *inode, size_t count, struct chek_prng *prng)
{
    if (count == 0) {
        return;
    }
    struct settle settle = draw_settle(count, prng);
    struct sim_image full = sim__image_copy(&inode->durable);
    uint64_t size = inode->durable.size;

    for (size_t i = 0; i < count; i++) {
        const struct sim_change *change = &inode->changes[i];
        apply_change(&full, change);
        if (change->resize) {
            if (i >= settle.size_count) {
                break;
            }
            sim__image_resize(&inode->durable, change->offset);
            size = change->offset;
            continue;
        }
        enum settle_fate fate = draw_fate(&settle, i, prng);
        if (fate != FATE_LOST) {
            keep_sectors(&inode->durable, &full, change, fate, settle.tear_size, prng);
        }
        uint64_t end = change->offset + change->size;
        if (i < settle.size_count && end > size) {
            size = end;
        }
    }
    sim__image_resize(&inode->durable, size);
    sim__image_finish(&full);
}

void
sim__file_sync_failed(struct sim_inode *inode, uint64_t begun, struct chek_prng *prng)
{
    size_t count = completed_before(inode, begun);
    bool is_direct = count != 0;
    for (size_t i = 0; i < count; i++) {
        is_direct = is_direct && (inode->changes[i].direct || inode->changes[i].resize);
    }
    settle_changes(inode, count, prng);
    forget_changes(inode, count);
    if (is_direct) {
        sim__image_finish(&inode->cache);
        inode->cache = sim__image_copy(&inode->durable);
        for (size_t i = 0; i < inode->change_count; i++) {
            apply_change(&inode->cache, &inode->changes[i]);
        }
    } else if (count != 0) {
        inode->is_deceiving = true;
    }
}

void
sim__file_crash(struct sim_inode *inode, struct chek_prng *prng)
{
    settle_changes(inode, inode->change_count, prng);
    forget_changes(inode, inode->change_count);
    sim__image_finish(&inode->cache);
    inode->cache = sim__image_copy(&inode->durable);
    inode->is_deceiving = false;
}

/* ---- questions ----------------------------------------------------------------------------- */

/* Whether writing back this change alone would leave a range of the medium as it is. */
static bool
is_harmless(const struct sim_inode *inode, const struct sim_change *change, uint64_t offset,
            uint64_t size)
{
    if (change->resize) {
        return change->offset >= offset + size;
    }
    uint64_t begin = change->offset > offset ? change->offset : offset;
    uint64_t end = change->offset + change->size;
    end = end < offset + size ? end : offset + size;
    if (begin >= end) {
        return true;
    }
    struct sim_image image = sim__image_copy(&inode->durable);
    apply_change(&image, change);
    bool is_equal = sim__image_equal(&image, &inode->durable, begin, end - begin);
    sim__image_finish(&image);
    return is_equal;
}

bool
sim__file_is_durable(const struct sim_inode *inode, uint64_t offset, uint64_t size)
{
    if (!sim__image_equal(&inode->cache, &inode->durable, offset, size)) {
        return false;
    }
    for (size_t i = 0; i < inode->change_count; i++) {
        if (!is_harmless(inode, &inode->changes[i], offset, size)) {
            return false;
        }
    }
    return true;
}

void
sim__file_mark_bad(struct sim_inode *inode, uint64_t offset, uint64_t size)
{
    inode->bad =
        sim__array_room(inode->bad, inode->bad_count, &inode->bad_capacity, sizeof(*inode->bad));
    inode->bad[inode->bad_count++] = (struct sim_bad_range){.offset = offset, .end = offset + size};
}

bool
sim__file_is_bad(const struct sim_inode *inode, uint64_t offset, uint64_t size)
{
    for (size_t i = 0; i < inode->bad_count; i++) {
        if (inode->bad[i].offset < offset + size && offset < inode->bad[i].end) {
            return true;
        }
    }
    return false;
}
