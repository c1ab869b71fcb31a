/* SPDX-License-Identifier: MIT */
/*
 * sim_names.c - two tables of names and the list of changes between them.
 */
#include "tests/sim/sim_names.h"

/* ---- one table ----------------------------------------------------------------------------- */

/* The place of a path, or where it would be. */
static size_t
place_of(const struct sim_names *names, const char *path)
{
    size_t low = 0, high = names->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(names->entries[middle].path, path) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool
is_at(const struct sim_names *names, size_t at, const char *path)
{
    return at < names->count && strcmp(names->entries[at].path, path) == 0;
}

uint32_t
sim__name_find(const struct sim_names *names, const char *path)
{
    size_t at = place_of(names, path);
    return is_at(names, at, path) ? names->entries[at].inode : SIM_NO_INODE;
}

static void
table_set(struct sim_names *names, const char *path, uint32_t inode)
{
    size_t at = place_of(names, path);
    if (!is_at(names, at, path)) {
        names->entries = sim__array_room(names->entries, names->count, &names->capacity,
                                         sizeof(*names->entries));
        memmove(&names->entries[at + 1], &names->entries[at],
                (names->count - at) * sizeof(*names->entries));
        names->count += 1;
        names->entries[at].path = sim__copy_text(path);
    }
    names->entries[at].inode = inode;
}

static void
table_remove(struct sim_names *names, const char *path)
{
    size_t at = place_of(names, path);
    if (!is_at(names, at, path)) {
        return;
    }
    sim__free(names->entries[at].path);
    names->count -= 1;
    memmove(&names->entries[at], &names->entries[at + 1],
            (names->count - at) * sizeof(*names->entries));
}

static struct sim_names
table_copy(const struct sim_names *names)
{
    struct sim_names copy = {0};
    for (size_t i = 0; i < names->count; i++) {
        table_set(&copy, names->entries[i].path, names->entries[i].inode);
    }
    return copy;
}

static void
table_finish(struct sim_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        sim__free(names->entries[i].path);
    }
    sim__free(names->entries);
    *names = (struct sim_names){0};
}

/* ---- changes ------------------------------------------------------------------------------- */

static void
apply_change(struct sim_names *names, const struct sim_name_change *change)
{
    if (change->kind == SIM_NAME_RENAME) {
        table_remove(names, change->from);
    }
    if (change->kind == SIM_NAME_REMOVE) {
        table_remove(names, change->path);
    } else {
        table_set(names, change->path, change->inode);
    }
}

static void
make_change(struct sim_folder *folder, struct sim_name_change change)
{
    apply_change(&folder->seen, &change);
    change.path = sim__copy_text(change.path);
    change.from = change.from != NULL ? sim__copy_text(change.from) : NULL;
    folder->changes = sim__array_room(folder->changes, folder->change_count,
                                      &folder->change_capacity, sizeof(*folder->changes));
    folder->changes[folder->change_count++] = change;
}

static void
change_finish(struct sim_name_change *change)
{
    sim__free(change->path);
    sim__free(change->from);
}

/* The change takes the paths over for the call only; make_change() copies them. */
static char *
borrowed(const char *path)
{
    return (char *)(uintptr_t)path;
}

void
sim__names_add(struct sim_folder *folder, const char *path, uint32_t inode)
{
    make_change(folder, (struct sim_name_change){
                            .kind = SIM_NAME_ADD, .path = borrowed(path), .inode = inode});
}

void
sim__names_remove(struct sim_folder *folder, const char *path)
{
    make_change(folder, (struct sim_name_change){.kind = SIM_NAME_REMOVE,
                                                 .path = borrowed(path),
                                                 .inode = sim__name_find(&folder->seen, path)});
}

void
sim__names_rename(struct sim_folder *folder, const char *from, const char *to)
{
    make_change(folder, (struct sim_name_change){.kind = SIM_NAME_RENAME,
                                                 .path = borrowed(to),
                                                 .from = borrowed(from),
                                                 .inode = sim__name_find(&folder->seen, from)});
}

bool
sim__name_is_in(const char *path, const char *folder, const char **ret_name)
{
    const char *slash = strrchr(path, '/');
    size_t size = slash != NULL ? (size_t)(slash - path) : 0;
    if (size != strlen(folder) || strncmp(path, folder, size) != 0) {
        return false;
    }
    if (ret_name != NULL) {
        *ret_name = slash != NULL ? slash + 1 : path;
    }
    return true;
}

static bool
belongs_to(const struct sim_name_change *change, const char *folder)
{
    return sim__name_is_in(change->path, folder, NULL) ||
           (change->from != NULL && sim__name_is_in(change->from, folder, NULL));
}

/* A rename that became durable takes a waiting creation of its old name along. */
static void
forget_old_name(struct sim_folder *folder, size_t count, const struct sim_name_change *change)
{
    for (size_t i = 0; i < count; i++) {
        struct sim_name_change *other = &folder->changes[i];
        if (other->kind == SIM_NAME_ADD && other->inode == change->inode &&
            strcmp(other->path, change->from) == 0) {
            other->kind = SIM_NAME_REMOVE;
        }
    }
}

void
sim__names_sync(struct sim_folder *folder, const char *path, struct chek_prng *lossy)
{
    size_t kept = 0;
    for (size_t i = 0; i < folder->change_count; i++) {
        struct sim_name_change change = folder->changes[i];
        if (!belongs_to(&change, path)) {
            folder->changes[kept++] = change;
            continue;
        }
        if (lossy == NULL || sim__chance(lossy, 500000)) {
            apply_change(&folder->durable, &change);
            if (change.kind == SIM_NAME_RENAME) {
                forget_old_name(folder, kept, &change);
            }
        }
        change_finish(&change);
    }
    folder->change_count = kept;
}

/* Whether all folders that a path lies in have durable names. */
static bool
parents_are_durable(const struct sim_folder *folder, const char *path)
{
    char *parent = sim__copy_text(path);
    bool found = true;
    for (char *slash = strchr(parent, '/'); found && slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        found = sim__name_find(&folder->durable, parent) != SIM_NO_INODE;
        *slash = '/';
    }
    sim__free(parent);
    return found;
}

/* A folder that was lost takes what was in it along, durable or not. */
static void
remove_orphans(struct sim_folder *folder)
{
    size_t at = 0;
    while (at < folder->durable.count) {
        const char *path = folder->durable.entries[at].path;
        if (parents_are_durable(folder, path)) {
            at++;
        } else {
            table_remove(&folder->durable, path);
        }
    }
}

/* In a quarter of the cuts nothing was written back, in a quarter all, else each by itself. */
void
sim__names_crash(struct sim_folder *folder, struct chek_prng *prng)
{
    uint64_t shape = chek_prng_below(prng, 4);
    uint64_t keep_rate = shape == 0 ? 0 : (shape == 1 ? 1000000 : 500000);
    for (size_t i = 0; i < folder->change_count; i++) {
        struct sim_name_change *change = &folder->changes[i];
        if (sim__chance(prng, keep_rate)) {
            apply_change(&folder->durable, change);
        }
        change_finish(change);
    }
    folder->change_count = 0;
    remove_orphans(folder);
    table_finish(&folder->seen);
    folder->seen = table_copy(&folder->durable);
}

/* ---- questions ----------------------------------------------------------------------------- */

static void
table_mark(const struct sim_names *names, bool *ret)
{
    for (size_t i = 0; i < names->count; i++) {
        ret[names->entries[i].inode] = true;
    }
}

void
sim__names_mark(const struct sim_folder *folder, bool *ret)
{
    for (size_t i = 0; i < folder->change_count; i++) {
        if (folder->changes[i].inode != SIM_NO_INODE) {
            ret[folder->changes[i].inode] = true;
        }
    }
    table_mark(&folder->seen, ret);
    table_mark(&folder->durable, ret);
}

bool
sim__name_is_durable(const struct sim_folder *folder, const char *path)
{
    uint32_t inode = sim__name_find(&folder->seen, path);
    if (inode == SIM_NO_INODE || sim__name_find(&folder->durable, path) != inode) {
        return false;
    }
    for (size_t i = 0; i < folder->change_count; i++) {
        const struct sim_name_change *change = &folder->changes[i];
        if (strcmp(change->path, path) == 0 ||
            (change->from != NULL && strcmp(change->from, path) == 0)) {
            return false;
        }
    }
    return parents_are_durable(folder, path);
}

void
sim__names_set_durable(struct sim_folder *folder, const char *path, uint32_t inode)
{
    table_set(&folder->seen, path, inode);
    table_set(&folder->durable, path, inode);
}

void
sim__names_finish(struct sim_folder *folder)
{
    for (size_t i = 0; i < folder->change_count; i++) {
        change_finish(&folder->changes[i]);
    }
    sim__free(folder->changes);
    table_finish(&folder->seen);
    table_finish(&folder->durable);
    *folder = (struct sim_folder){0};
}
