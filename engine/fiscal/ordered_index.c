/* SPDX-License-Identifier: MIT */
/*
 * ordered_index.c - descend, insert, divide what is full.
 *
 * The key of a child is a lower bound of what is under it, but for the first child, which takes
 * whatever is below the second.
 */
#include "engine/fiscal/ordered_index.h"

#include "engine/base/assertion.h"

#define NODE_SIZE 512
#define LEAF_SIZE_MIN 64
#define LEAF_COUNT 42
#define INNER_COUNT 63
#define HEIGHT_MAX 7

struct leaf {
    uint32_t count;
    struct fiscal__entry entries[LEAF_COUNT];
};

struct child {
    uint32_t key;
    chek_page_ref ref;
};

struct inner {
    uint32_t count;
    struct child children[INNER_COUNT];
};

/* The way from the root to a leaf. */
struct path {
    chek_page_ref nodes[HEIGHT_MAX + 1];
    uint32_t slots[HEIGHT_MAX + 1]; /* in inner nodes: the child taken */
};

_Static_assert(sizeof(struct fiscal__index) == 8, "format");
_Static_assert(sizeof(struct fiscal__entry) == 12, "format");
_Static_assert(sizeof(struct leaf) <= NODE_SIZE && sizeof(struct inner) <= NODE_SIZE, "format");
_Static_assert((HEIGHT_MAX + 1) * NODE_SIZE <= FISCAL__INDEX_INSERT_SIZE_MAX, "an insertion");

/* Bytes of an only leaf with so many entries. */
static uint32_t
leaf_size(uint32_t count)
{
    uint32_t size = LEAF_SIZE_MIN;
    while ((size - sizeof(uint32_t)) / sizeof(struct fiscal__entry) < count) {
        size *= 2;
    }
    CHEK_ASSERT(size <= NODE_SIZE);
    return size;
}

static uint32_t
inner_slot(const struct inner *inner, uint32_t key)
{
    uint32_t low = 0;
    uint32_t high = inner->count;
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;
        if (inner->children[middle].key <= key) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Entries of a leaf with keys at or below `key`. */
static uint32_t
leaf_rank(const struct leaf *leaf, uint32_t key)
{
    uint32_t low = 0;
    uint32_t high = leaf->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (leaf->entries[middle].key <= key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static const struct leaf *
descend(const struct chek_page_heap *heap, const struct fiscal__index *index, uint32_t key,
        struct path *path)
{
    chek_page_ref ref = index->root;
    for (uint32_t level = 0; level < index->height; level++) {
        const struct inner *inner = chek_page_heap_read(heap, ref);
        path->nodes[level] = ref;
        path->slots[level] = inner_slot(inner, key);
        ref = inner->children[path->slots[level]].ref;
    }
    path->nodes[index->height] = ref;
    return chek_page_heap_read(heap, ref);
}

const struct fiscal__entry *
fiscal__index_floor(const struct chek_page_heap *heap, const struct fiscal__index *index,
                    uint32_t key)
{
    if (index->root == 0) {
        return NULL;
    }
    struct path path;
    const struct leaf *leaf = descend(heap, index, key, &path);
    uint32_t rank = leaf_rank(leaf, key);
    return rank != 0 ? &leaf->entries[rank - 1] : NULL;
}

/* The first leaf behind the one at the end of `path`; NULL when that is the last. */
static const struct leaf *
leaf_next(const struct chek_page_heap *heap, const struct fiscal__index *index,
          const struct path *path)
{
    uint32_t level = index->height;
    while (level > 0) {
        level -= 1;
        const struct inner *inner = chek_page_heap_read(heap, path->nodes[level]);
        if (path->slots[level] + 1 < inner->count) {
            chek_page_ref ref = inner->children[path->slots[level] + 1].ref;
            for (uint32_t down = level + 1; down < index->height; down++) {
                const struct inner *below = chek_page_heap_read(heap, ref);
                ref = below->children[0].ref;
            }
            return chek_page_heap_read(heap, ref);
        }
    }
    return NULL;
}

const struct fiscal__entry *
fiscal__index_ceiling(const struct chek_page_heap *heap, const struct fiscal__index *index,
                      uint32_t key)
{
    if (index->root == 0) {
        return NULL;
    }
    struct path path;
    const struct leaf *leaf = descend(heap, index, key, &path);
    uint32_t rank = leaf_rank(leaf, key);
    if (rank != 0 && leaf->entries[rank - 1].key == key) {
        return &leaf->entries[rank - 1];
    }
    if (rank < leaf->count) {
        return &leaf->entries[rank];
    }
    leaf = leaf_next(heap, index, &path);
    return leaf != NULL ? &leaf->entries[0] : NULL;
}

const struct fiscal__entry *
fiscal__index_find(const struct chek_page_heap *heap, const struct fiscal__index *index,
                   uint32_t key)
{
    const struct fiscal__entry *entry = fiscal__index_floor(heap, index, key);
    return entry != NULL && entry->key == key ? entry : NULL;
}

struct fiscal__entry *
fiscal__index_change(struct chek_page_heap *heap, const struct fiscal__index *index, uint32_t key)
{
    struct path path;
    const struct leaf *leaf = descend(heap, index, key, &path);
    uint32_t rank = leaf_rank(leaf, key);
    CHEK_ASSERT(rank != 0 && leaf->entries[rank - 1].key == key);
    struct leaf *changed = chek_page_heap_change(heap, path.nodes[index->height]);
    return &changed->entries[rank - 1];
}

static chek_page_ref
node_make(struct chek_page_heap *heap, uint32_t size)
{
    chek_page_ref ref = chek_page_heap_allocate(heap, size);
    CHEK_ASSERT(ref != 0);
    return ref;
}

/* Give the only leaf room for one more entry; returns it. */
static struct leaf *
only_leaf_grow(struct chek_page_heap *heap, struct fiscal__index *index)
{
    const struct leaf *old = chek_page_heap_read(heap, index->root);
    uint32_t size_old = leaf_size(old->count);
    uint32_t size_new = leaf_size(old->count + 1);
    if (size_old != size_new) {
        chek_page_ref grown = node_make(heap, size_new);
        memcpy(chek_page_heap_change(heap, grown), old, size_old);
        chek_page_heap_free(heap, index->root, size_old);
        index->root = grown;
    }
    return chek_page_heap_change(heap, index->root);
}

static void
leaf_put(struct leaf *leaf, uint32_t rank, struct fiscal__entry entry)
{
    CHEK_ASSERT(rank == 0 || leaf->entries[rank - 1].key < entry.key);
    memmove(&leaf->entries[rank + 1], &leaf->entries[rank],
            (leaf->count - rank) * sizeof leaf->entries[0]);
    leaf->entries[rank] = entry;
    leaf->count += 1;
}

static void
inner_put(struct inner *inner, uint32_t slot, struct child child)
{
    memmove(&inner->children[slot + 1], &inner->children[slot],
            (inner->count - slot) * sizeof inner->children[0]);
    inner->children[slot] = child;
    inner->count += 1;
}

/* Put `entry` beside a full leaf: into a new one behind the last, or into one of its halves. */
static struct child
leaf_divide(struct chek_page_heap *heap, struct leaf *leaf, struct fiscal__entry entry,
            bool is_last)
{
    chek_page_ref ref = node_make(heap, NODE_SIZE);
    struct leaf *right = chek_page_heap_change(heap, ref);
    uint32_t rank = leaf_rank(leaf, entry.key);
    uint32_t keep = is_last && rank == LEAF_COUNT ? LEAF_COUNT : LEAF_COUNT / 2;
    uint32_t moved = LEAF_COUNT - keep;
    memcpy(right->entries, &leaf->entries[keep], moved * sizeof leaf->entries[0]);
    memset(&leaf->entries[keep], 0, moved * sizeof leaf->entries[0]);
    right->count = moved;
    leaf->count = keep;
    if (rank > keep || keep == LEAF_COUNT) {
        leaf_put(right, rank - keep, entry);
    } else {
        leaf_put(leaf, rank, entry);
    }
    return (struct child){.key = right->entries[0].key, .ref = ref};
}

/* The same for a child beside a full inner node. */
static struct child
inner_divide(struct chek_page_heap *heap, struct inner *inner, uint32_t slot, struct child child,
             bool is_last)
{
    chek_page_ref ref = node_make(heap, NODE_SIZE);
    struct inner *right = chek_page_heap_change(heap, ref);
    uint32_t keep = is_last && slot == INNER_COUNT ? INNER_COUNT : INNER_COUNT / 2;
    uint32_t moved = INNER_COUNT - keep;
    memcpy(right->children, &inner->children[keep], moved * sizeof inner->children[0]);
    memset(&inner->children[keep], 0, moved * sizeof inner->children[0]);
    right->count = moved;
    inner->count = keep;
    if (slot > keep || keep == INNER_COUNT) {
        inner_put(right, slot - keep, child);
    } else {
        inner_put(inner, slot, child);
    }
    return (struct child){.key = right->children[0].key, .ref = ref};
}

/* Whether `path` ends at the last leaf. */
static bool
path_is_last(const struct chek_page_heap *heap, const struct fiscal__index *index,
             const struct path *path)
{
    for (uint32_t level = 0; level < index->height; level++) {
        const struct inner *inner = chek_page_heap_read(heap, path->nodes[level]);
        if (path->slots[level] + 1 != inner->count) {
            return false;
        }
    }
    return true;
}

/* Hang a new node beside the one that `path` goes through, up to the root. */
static void
path_add(struct chek_page_heap *heap, struct fiscal__index *index, const struct path *path,
         struct child added, bool is_last)
{
    for (uint32_t level = index->height; level > 0; level--) {
        struct inner *inner = chek_page_heap_change(heap, path->nodes[level - 1]);
        uint32_t slot = path->slots[level - 1] + 1;
        if (inner->count < INNER_COUNT) {
            inner_put(inner, slot, added);
            return;
        }
        added = inner_divide(heap, inner, slot, added, is_last);
    }
    CHEK_ASSERT(index->height < HEIGHT_MAX);
    chek_page_ref ref = node_make(heap, NODE_SIZE);
    struct inner *root = chek_page_heap_change(heap, ref);
    root->count = 2;
    root->children[0].ref = index->root;
    root->children[1] = added;
    index->root = ref;
    index->height += 1;
}

void
fiscal__index_insert(struct chek_page_heap *heap, struct fiscal__index *index,
                     struct fiscal__entry entry)
{
    if (index->root == 0) {
        index->root = node_make(heap, LEAF_SIZE_MIN);
    }
    struct path path;
    uint32_t count = descend(heap, index, entry.key, &path)->count;
    if (count == LEAF_COUNT) {
        struct leaf *full = chek_page_heap_change(heap, path.nodes[index->height]);
        bool is_last = path_is_last(heap, index, &path);
        path_add(heap, index, &path, leaf_divide(heap, full, entry, is_last), is_last);
        return;
    }
    struct leaf *leaf = index->height == 0 ? only_leaf_grow(heap, index)
                                           : chek_page_heap_change(heap, path.nodes[index->height]);
    leaf_put(leaf, leaf_rank(leaf, entry.key), entry);
}

/* ---- whole? ----------------------------------------------------------------------------------- */

/* A walk over all nodes. Keys seen so far are below `next`; those of a leaf not below `floor`. */
struct whole {
    const struct chek_page_heap *heap;
    bool (*visit)(void *context, const struct fiscal__entry *entry);
    void *context;
    uint64_t next, floor;
};

static bool
leaf_is_held(const struct chek_page_heap *heap, chek_page_ref ref, bool is_only)
{
    for (uint32_t size = is_only ? LEAF_SIZE_MIN : NODE_SIZE; size <= NODE_SIZE; size *= 2) {
        if (chek_page_heap_holds(heap, ref, size)) {
            const struct leaf *leaf = chek_page_heap_read(heap, ref);
            return leaf->count != 0 && leaf->count <= LEAF_COUNT && leaf_size(leaf->count) <= size;
        }
    }
    return false;
}

static bool
leaf_is_whole(struct whole *whole, chek_page_ref ref, bool is_only)
{
    if (!leaf_is_held(whole->heap, ref, is_only)) {
        return false;
    }
    const struct leaf *leaf = chek_page_heap_read(whole->heap, ref);
    for (uint32_t i = 0; i < leaf->count; i++) {
        const struct fiscal__entry *entry = &leaf->entries[i];
        if (entry->key < whole->next || entry->key < whole->floor ||
            (whole->visit != NULL && !whole->visit(whole->context, entry))) {
            return false;
        }
        whole->next = (uint64_t)entry->key + 1;
    }
    return true;
}

static bool
inner_is_whole(const struct whole *whole, chek_page_ref ref)
{
    if (!chek_page_heap_holds(whole->heap, ref, NODE_SIZE)) {
        return false;
    }
    const struct inner *inner = chek_page_heap_read(whole->heap, ref);
    return inner->count != 0 && inner->count <= INNER_COUNT;
}

/* Step into the child at path->slots[level]; false when its key is not above those before. */
static bool
child_enter(struct whole *whole, struct path *path, uint32_t level)
{
    const struct inner *inner = chek_page_heap_read(whole->heap, path->nodes[level]);
    const struct child *child = &inner->children[path->slots[level]];
    if (path->slots[level] != 0) {
        if (child->key < whole->next) {
            return false;
        }
        whole->floor = child->key;
    }
    path->nodes[level + 1] = child->ref;
    path->slots[level + 1] = 0;
    return true;
}

/* Go up to the first node that has a further child; false when there is none. */
static bool
path_advance(const struct whole *whole, struct path *path, uint32_t *level)
{
    while (*level > 0) {
        *level -= 1;
        const struct inner *inner = chek_page_heap_read(whole->heap, path->nodes[*level]);
        path->slots[*level] += 1;
        if (path->slots[*level] < inner->count) {
            return true;
        }
    }
    return false;
}

bool
fiscal__index_is_whole(const struct chek_page_heap *heap, const struct fiscal__index *index,
                       uint64_t *left,
                       bool (*visit)(void *context, const struct fiscal__entry *entry),
                       void *context)
{
    struct whole whole = {heap, visit, context, 0, 0};
    struct path path = {.nodes = {index->root}, .slots = {0}};
    uint32_t level = 0;
    if (index->root == 0 || index->height > HEIGHT_MAX) {
        return index->root == 0 && index->height == 0;
    }
    for (;;) {
        if (path.slots[level] == 0) { /* entered for the first time */
            if (*left == 0) {
                return false;
            }
            *left -= 1;
            bool is_whole = level == index->height
                                ? leaf_is_whole(&whole, path.nodes[level], index->height == 0)
                                : inner_is_whole(&whole, path.nodes[level]);
            if (!is_whole) {
                return false;
            }
        }
        if (level == index->height && !path_advance(&whole, &path, &level)) {
            return true;
        }
        if (!child_enter(&whole, &path, level)) {
            return false;
        }
        level += 1;
    }
}
