/* SPDX-License-Identifier: MIT */
/* registration.c - make, update and read registrations. (F20..F22) */
#include "engine/fiscal/registration.h"

#include "engine/base/checksum.h"
#include "engine/fiscal/heap_text.h"
#include "engine/fiscal/shift_cell.h"

#define CURRENCY_DEFAULT 398 /* KZT, as protocol.def says */
#define KEY_SIZE_MAX 64

const struct fiscal__registration *
fiscal__registration_find(const struct chek_fiscal *fiscal, uint32_t registration,
                          chek_page_ref *ret_ref)
{
    uint32_t ref;
    const struct chek_fiscal_root *root = fiscal__root(fiscal);
    if (!chek_page_map_find(fiscal->heap, &root->registrations, registration, &ref, NULL)) {
        return NULL;
    }
    if (ret_ref != NULL) {
        *ret_ref = ref;
    }
    return chek_page_heap_read(fiscal->heap, ref);
}

bool
chek_fiscal_is_registered(const struct chek_fiscal *fiscal, uint32_t registration)
{
    return fiscal__registration_find(fiscal, registration, NULL) != NULL;
}

/* ---- keys ------------------------------------------------------------------------------------- */

static struct chek_bytes_view
key_value(const struct fiscal__key *key)
{
    return chek_bytes_view_of((const uint8_t *)key + sizeof *key, key->size);
}

static uint64_t
key_hash(uint8_t kind, struct chek_bytes_view value)
{
    return chek_checksum_seeded(value.bytes, value.size, kind);
}

static bool
registration_has_key(const struct chek_page_heap *heap,
                     const struct fiscal__registration *registration, uint8_t kind,
                     struct chek_bytes_view value)
{
    for (chek_page_ref ref = registration->keys; ref != 0;) {
        const struct fiscal__key *key = chek_page_heap_read(heap, ref);
        if (key->kind == kind && chek_bytes_view_equal(key_value(key), value)) {
            return true;
        }
        ref = key->next;
    }
    return false;
}

/* Keys stand in the order in which they came. */
static void
key_add(struct chek_fiscal *fiscal, chek_page_ref registration_ref,
        const struct chek_register_key *key)
{
    CHEK_ASSERT(key->value.size <= KEY_SIZE_MAX);
    struct chek_page_heap *heap = fiscal->heap;
    uint32_t size = (uint32_t)(sizeof(struct fiscal__key) + key->value.size);
    chek_page_ref ref = fiscal__allocate(heap, size);
    struct fiscal__key *made = chek_page_heap_change(heap, ref);
    made->kind = key->kind;
    made->size = (uint8_t)key->value.size;
    memcpy((uint8_t *)made + sizeof *made, key->value.bytes, key->value.size);

    struct fiscal__registration *registration = chek_page_heap_change(heap, registration_ref);
    chek_page_ref *link = &registration->keys;
    uint32_t count = 1;
    for (; *link != 0; count++) {
        struct fiscal__key *before = chek_page_heap_change(heap, *link);
        link = &before->next;
    }
    CHEK_ASSERT(count <= CHEK_REGISTER_KEY_COUNT_MAX); /* the directory refused the claim of more */
    *link = ref;
    int error = chek_page_map_insert(heap, &fiscal__root_change(fiscal)->keys,
                                     key_hash(key->kind, key->value), registration_ref);
    CHEK_ASSERT(error == CHEK_OK);
}

int
chek_fiscal_find_key(const struct chek_fiscal *fiscal, uint8_t kind, struct chek_bytes_view value,
                     uint32_t *ret_registration)
{
    const struct chek_fiscal_root *root = fiscal__root(fiscal);
    struct chek_page_map_walk walk;
    uint32_t ref;
    bool found = false;
    bool more = chek_page_map_find(fiscal->heap, &root->keys, key_hash(kind, value), &ref, &walk);
    while (more) {
        const struct fiscal__registration *registration = chek_page_heap_read(fiscal->heap, ref);
        if (registration_has_key(fiscal->heap, registration, kind, value)) {
            *ret_registration = registration->id;
            found = true;
        }
        more = chek_page_map_next(fiscal->heap, &walk, &ref);
    }
    return found ? CHEK_OK : CHEK_E_NOT_FOUND;
}

/* ---- bindings --------------------------------------------------------------------------------- */

static const struct fiscal__binding *
binding_find(const struct chek_page_heap *heap, const struct fiscal__registration *registration,
             uint16_t index)
{
    for (chek_page_ref ref = registration->binding; ref != 0;) {
        const struct fiscal__binding *binding = chek_page_heap_read(heap, ref);
        if (binding->index == index) {
            return binding;
        }
        ref = binding->previous;
    }
    return NULL;
}

struct chek_bytes_view
fiscal__binding_point(const struct chek_page_heap *heap,
                      const struct fiscal__registration *registration, uint16_t index)
{
    const struct fiscal__binding *binding = binding_find(heap, registration, index);
    return binding != NULL ? fiscal__text_view(heap, binding->point) : (struct chek_bytes_view){0};
}

struct chek_bytes_view
chek_fiscal_point(const struct chek_fiscal *fiscal, uint32_t registration, uint16_t binding)
{
    const struct fiscal__registration *record =
        fiscal__registration_find(fiscal, registration, NULL);
    return record != NULL ? fiscal__binding_point(fiscal->heap, record, binding)
                          : (struct chek_bytes_view){0};
}

static void
binding_begin(struct chek_page_heap *heap, struct fiscal__registration *registration,
              const struct chek_register *what, uint64_t received_us)
{
    chek_page_ref ref = fiscal__allocate(heap, sizeof(struct fiscal__binding));
    struct fiscal__binding *binding = chek_page_heap_change(heap, ref);
    binding->previous = registration->binding;
    binding->index = registration->binding_count;
    binding->point = fiscal__text_make(heap, what->point);
    binding->since_us = received_us;
    registration->binding = ref;
    registration->binding_count += 1;
}

/* Another point begins a binding, unless no number is left for one. (F20) */
static void
binding_update(struct chek_page_heap *heap, struct fiscal__registration *registration,
               const struct chek_register *what, uint64_t received_us)
{
    bool is_first = registration->binding == 0;
    if (!is_first) {
        const struct fiscal__binding *now = chek_page_heap_read(heap, registration->binding);
        struct chek_bytes_view point = fiscal__text_view(heap, now->point);
        bool is_other = what->point.size != 0 && !chek_bytes_view_equal(point, what->point);
        is_first = is_other && registration->binding_count < UINT16_MAX;
    }
    if (is_first) {
        binding_begin(heap, registration, what, received_us);
    }
    struct fiscal__binding *binding = chek_page_heap_change(heap, registration->binding);
    fiscal__text_replace(heap, &binding->point_name, what->point_name);
    fiscal__text_replace(heap, &binding->address, what->address);
}

/* ---- registering ------------------------------------------------------------------------------ */

static chek_page_ref
registration_make(struct chek_fiscal *fiscal, uint32_t id, const struct chek_register *what)
{
    struct chek_page_heap *heap = fiscal->heap;
    struct chek_fiscal_root *root = fiscal__root_change(fiscal);
    chek_page_ref ref = fiscal__allocate(heap, sizeof(struct fiscal__registration));
    struct fiscal__registration *made = chek_page_heap_change(heap, ref);
    made->id = id;
    made->currency = what->currency != 0 ? what->currency : CURRENCY_DEFAULT;
    made->organisation = fiscal__text_make(heap, what->organisation);

    if (root->registration_last != 0) {
        struct fiscal__registration *last = chek_page_heap_change(heap, root->registration_last);
        last->next = ref;
    } else {
        root->registration_first = ref;
    }
    root->registration_last = ref;
    root->registration_count += 1;
    int error = chek_page_map_insert(heap, &root->registrations, id, ref);
    CHEK_ASSERT(error == CHEK_OK);
    return ref;
}

static void
registration_update(struct chek_fiscal *fiscal, chek_page_ref ref, const struct chek_register *what,
                    uint64_t received_us)
{
    struct chek_page_heap *heap = fiscal->heap;
    struct fiscal__registration *registration = chek_page_heap_change(heap, ref);
    fiscal__text_replace(heap, &registration->organisation_name, what->organisation_name);
    fiscal__text_replace(heap, &registration->model, what->model);
    if (what->country != 0) {
        registration->country = what->country;
    }
    if (what->zone_minutes != 0) {
        registration->zone_minutes = (int16_t)what->zone_minutes;
    }
    binding_update(heap, registration, what, received_us);
    for (uint32_t i = 0; i < what->keys_count; i++) {
        const struct chek_register_key *key = &what->keys[i];
        if (!registration_has_key(heap, registration, key->kind, key->value)) {
            key_add(fiscal, ref, key);
        }
    }
}

void
chek_fiscal_register(struct chek_fiscal *fiscal, uint32_t registration,
                     const struct chek_register *what, const struct chek_circumstance *circumstance,
                     const struct chek_event_sink *events)
{
    chek_page_ref ref = 0;
    bool is_known = fiscal__registration_find(fiscal, registration, &ref) != NULL;
    if (!is_known) {
        ref = registration_make(fiscal, registration, what);
    }
    registration_update(fiscal, ref, what, circumstance->received_us);
    if (!is_known) {
        struct chek_event event = {.kind = CHEK_EVENT_KIND_REGISTERED,
                                   .registration = registration,
                                   .received = circumstance->received_us};
        events->on_event(events->context, &event);
    }
}

/* ---- reading ---------------------------------------------------------------------------------- */

static bool
keys_read(const struct chek_page_heap *heap, const struct fiscal__registration *registration,
          struct chek_arena *arena, struct chek_register *to)
{
    uint32_t count = 0;
    for (chek_page_ref ref = registration->keys; ref != 0; count++) {
        const struct fiscal__key *key = chek_page_heap_read(heap, ref);
        ref = key->next;
    }
    struct chek_register_key *keys = chek_arena_take(arena, count * sizeof *keys);
    if (keys == NULL) {
        return false;
    }
    to->keys = keys;
    to->keys_count = count;
    for (chek_page_ref ref = registration->keys; ref != 0; keys++) {
        const struct fiscal__key *key = chek_page_heap_read(heap, ref);
        *keys = (struct chek_register_key){.kind = key->kind, .value = key_value(key)};
        ref = key->next;
    }
    return true;
}

int
chek_fiscal_registration(const struct chek_fiscal *fiscal, uint32_t registration,
                         struct chek_arena *arena, struct chek_registered *ret)
{
    const struct chek_page_heap *heap = fiscal->heap;
    const struct fiscal__registration *record =
        fiscal__registration_find(fiscal, registration, NULL);
    if (record == NULL) {
        return CHEK_E_UNREGISTERED;
    }
    struct chek_register *what = chek_arena_take(arena, sizeof *what);
    if (what == NULL) {
        return CHEK_E_LIMIT;
    }
    const struct fiscal__binding *binding = chek_page_heap_read(heap, record->binding);
    *what = (struct chek_register){
        .organisation = fiscal__text_view(heap, record->organisation),
        .organisation_name = fiscal__text_view(heap, record->organisation_name),
        .point = fiscal__text_view(heap, binding->point),
        .point_name = fiscal__text_view(heap, binding->point_name),
        .address = fiscal__text_view(heap, binding->address),
        .model = fiscal__text_view(heap, record->model),
        .zone_minutes = record->zone_minutes,
        .currency = record->currency,
        .country = record->country,
    };
    if (!keys_read(heap, record, arena, what)) {
        return CHEK_E_LIMIT;
    }
    *ret = (struct chek_registered){.registration = registration, .profile = what};
    return CHEK_OK;
}

bool
chek_fiscal_registration_next(const struct chek_fiscal *fiscal, uint32_t *registration, bool first)
{
    chek_page_ref ref = fiscal__root(fiscal)->registration_first;
    if (!first) {
        const struct fiscal__registration *now =
            fiscal__registration_find(fiscal, *registration, NULL);
        ref = now != NULL ? now->next : 0;
    }
    if (ref == 0) {
        return false;
    }
    const struct fiscal__registration *next = chek_page_heap_read(fiscal->heap, ref);
    *registration = next->id;
    return true;
}

uint32_t
chek_fiscal_row_count(const struct chek_fiscal *fiscal, uint32_t registration)
{
    const struct fiscal__registration *record =
        fiscal__registration_find(fiscal, registration, NULL);
    return record != NULL ? record->ordinal_next : 0;
}

/* ---- prefetch --------------------------------------------------------------------------------- */

#define PREFETCH_COUNT_MAX 64

static void
prefetch_lines(const struct chek_page_heap *heap, chek_page_ref ref, size_t size)
{
    const char *object = chek_page_heap_read(heap, ref);
    for (size_t at = 0; at < size; at += CHEK_CACHE_LINE_SIZE) {
        chek_prefetch(object + at);
    }
    chek_prefetch(object + size - 1); /* objects need not begin with a line */
}

static void
prefetch_cell(const struct chek_page_heap *heap, const struct fiscal__cell *cell)
{
    prefetch_lines(heap, cell->operations[CHEK_OPERATION_SELL], sizeof(struct fiscal__operation));
    for (unsigned i = 0; i < CHEK_COUNT(cell->rows); i++) {
        if (cell->rows[i] != 0) {
            prefetch_lines(heap, cell->rows[i], sizeof(struct fiscal__row));
        }
    }
}

/* Load one object of each registration before the next of any: what a first wave asked for is there
 * when the second reads it. A reference of 0 leads to the heap's own first page, which is harmless. */
static void
prefetch_waves(const struct chek_fiscal_target *targets, uint32_t count)
{
    chek_page_ref refs[PREFETCH_COUNT_MAX] = {0};
    for (uint32_t i = 0; i < count; i++) {
        const struct chek_fiscal *fiscal = targets[i].fiscal;
        chek_page_map_prefetch(fiscal->heap, &fiscal__root(fiscal)->registrations,
                               targets[i].registration);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (fiscal__registration_find(targets[i].fiscal, targets[i].registration, &refs[i]) !=
            NULL) {
            prefetch_lines(targets[i].fiscal->heap, refs[i], sizeof(struct fiscal__registration));
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct chek_page_heap *heap = targets[i].fiscal->heap;
        const struct fiscal__registration *record = chek_page_heap_read(heap, refs[i]);
        refs[i] = refs[i] != 0 ? record->shift : 0;
        prefetch_lines(heap, refs[i], sizeof(struct fiscal__shift));
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct chek_page_heap *heap = targets[i].fiscal->heap;
        const struct fiscal__shift *shift = chek_page_heap_read(heap, refs[i]);
        refs[i] = refs[i] != 0 ? shift->cells : 0;
        prefetch_lines(heap, refs[i], sizeof(struct fiscal__cell));
    }
    for (uint32_t i = 0; i < count; i++) {
        if (refs[i] != 0) {
            const struct chek_page_heap *heap = targets[i].fiscal->heap;
            prefetch_cell(heap, chek_page_heap_read(heap, refs[i]));
        }
    }
}

void
chek_fiscal_prefetch(const struct chek_fiscal_target *targets, uint32_t count)
{
    for (uint32_t at = 0; at < count; at += PREFETCH_COUNT_MAX) {
        uint32_t left = count - at;
        prefetch_waves(targets + at, left < PREFETCH_COUNT_MAX ? left : PREFETCH_COUNT_MAX);
    }
}
