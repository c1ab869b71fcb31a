/* SPDX-License-Identifier: MIT */
/*
 * device.c - what happens to a device: it is made, reset, blocked, and its documents are counted.
 */
#include "engine/partition/device.h"

#include <string.h>

#include "engine/base/assertion.h"
#include "engine/partition/state.h"

#define US_IN_S 1000000

_Static_assert(sizeof(struct partition__device_totals) == sizeof(struct chek_device_totals),
               "the same numbers");

/* The object of a registration's device; 0 when there is none. */
static chek_page_ref
device_find(const struct chek_partition *partition, uint32_t registration)
{
    const struct partition__root *root = chek_page_heap_root(&partition->heap);
    uint32_t ref;
    if (root->devices == 0) {
        return 0;
    }
    const struct chek_page_map *map = chek_page_heap_read(&partition->heap, root->devices);
    return chek_page_map_find(&partition->heap, map, registration, &ref, NULL) ? ref : 0;
}

static struct partition__device *
device_make(struct chek_partition *partition, uint32_t registration)
{
    struct partition__root *root = chek_page_heap_root_change(&partition->heap);
    if (root->devices == 0) {
        root->devices = chek_page_heap_allocate(&partition->heap, sizeof(struct chek_page_map));
        CHEK_ASSERT(root->devices != 0);
        struct chek_page_map *made = chek_page_heap_change(&partition->heap, root->devices);
        made->seed = root->sources.seed;
    }
    chek_page_ref ref = chek_page_heap_allocate(&partition->heap, sizeof(struct partition__device));
    CHEK_ASSERT(ref != 0);
    struct chek_page_map *map = chek_page_heap_change(&partition->heap, root->devices);
    int error = chek_page_map_insert(&partition->heap, map, registration, ref);
    CHEK_ASSERT(error == CHEK_OK);
    return chek_page_heap_change(&partition->heap, ref);
}

/* ---- changes ---------------------------------------------------------------------------------- */

static void
device_begin(struct partition__device *device, uint32_t mask)
{
    device->count = 0;
    device->mask = mask;
}

/* Add, or say again what was said: a sender that heard nothing adds twice. */
static int
device_add(struct chek_partition *partition, const struct chek_command_device *what)
{
    chek_page_ref ref = device_find(partition, what->registration);
    if (ref != 0) {
        return CHEK_E_EXISTS;
    }
    struct partition__device *device = device_make(partition, what->registration);
    device->registration = what->registration;
    device->number = what->device;
    device->policy = what->policy;
    device_begin(device, what->mask);
    return CHEK_OK;
}

int
partition__apply_device(struct chek_partition *partition, const struct chek_command *command,
                        struct chek_outcome *ret)
{
    struct chek_command_device what;
    struct chek_fault fault;
    int error = chek_command_device_decode_whole(command->body.bytes, command->body.size,
                                                 &partition->decode, &what, &fault);
    if (error != CHEK_OK || !chek_fiscal_is_registered(&partition->fiscal, what.registration)) {
        return CHEK_E_CORRUPT;
    }
    if (what.change == CHEK_DEVICE_CHANGE_ADD) {
        ret->error = device_add(partition, &what);
        return CHEK_OK;
    }
    chek_page_ref ref = device_find(partition, what.registration);
    if (ref == 0) {
        ret->error = CHEK_E_NOT_FOUND;
        return CHEK_OK;
    }
    struct partition__device *device = chek_page_heap_change(&partition->heap, ref);
    if (what.change == CHEK_DEVICE_CHANGE_RESET) {
        device->resets += 1;
        device_begin(device, what.mask);
    } else {
        device->blocked = what.change == CHEK_DEVICE_CHANGE_BLOCK;
        device->tried_until_s = device->blocked ? device->tried_until_s : 0;
    }
    return CHEK_OK;
}

/* ---- wrong passwords -------------------------------------------------------------------------- */

/* One time stands for all of them: each wrong one moves it on, and time comes nearer to it. */
int
partition__apply_try(struct chek_partition *partition, const struct chek_command *command)
{
    struct chek_nothing what;
    struct chek_fault fault;
    int error = chek_nothing_decode_whole(command->body.bytes, command->body.size,
                                          &partition->decode, &what, &fault);
    chek_page_ref ref =
        error == CHEK_OK ? device_find(partition, command->envelope.registration) : 0;
    if (ref == 0) {
        return CHEK_E_CORRUPT;
    }
    struct partition__device *device = chek_page_heap_change(&partition->heap, ref);
    uint64_t now_s = command->envelope.time_us / US_IN_S;
    uint64_t until_s = device->tried_until_s > now_s ? device->tried_until_s : now_s;
    uint64_t latest_s = now_s + (uint64_t)CHEK_DEVICE_TRY_COUNT * CHEK_DEVICE_TRY_S;
    until_s += CHEK_DEVICE_TRY_S;
    until_s = until_s < latest_s ? until_s : latest_s;
    device->tried_until_s = until_s < UINT32_MAX ? (uint32_t)until_s : UINT32_MAX;
    return CHEK_OK;
}

bool
chek_device_may_try(const struct chek_device *device, uint64_t now_us)
{
    uint64_t rest_s = (uint64_t)(CHEK_DEVICE_TRY_COUNT - 1) * CHEK_DEVICE_TRY_S;
    return device->tried_until_s <= now_us / US_IN_S + rest_s;
}

/* ---- exchanges -------------------------------------------------------------------------------- */

/* The cash in the drawer of a registration. */
static int64_t
drawer_now(const struct chek_partition *partition, uint32_t registration)
{
    struct chek_fiscal_now now = {0};
    int error = chek_fiscal_now(&partition->fiscal, registration, &now);
    CHEK_ASSERT(error == CHEK_OK); /* a device's register is registered */
    return now.cash;
}

/* Count a document in what outlives its shift. `withdrew`: its close took the drawer out first. */
static void
totals_add(struct partition__device *device, const struct chek_document *document, uint32_t shift,
           bool withdrew)
{
    if (document->receipt != NULL) {
        device->now.tickets[document->receipt->operation] += 1;
        if (device->shift_ticket_shift < shift) {
            device->shift_ticket_shift = shift;
            device->shift_ticket_time = document->receipt->time;
        }
    } else if (document->movement != NULL) {
        device->now.movements[document->movement->direction] += 1;
    } else {
        device->now.movements[CHEK_DIRECTION_WITHDRAWAL] += withdrew ? 1 : 0;
        device->closed = device->now;
    }
}

static void
exchange_count(struct partition__device *device, const struct chek_command_exchange *what,
               const struct chek_result *result)
{
    device->last = (struct partition__exchange){
        .count = device->count,
        .resets = device->resets,
        .request = what->request,
        .command = (uint8_t)what->command,
        .is_there = 1,
        .digest = what->digest,
        .sign = what->sign,
        .time = what->time,
        .total = what->total,
        .ordinal = result->ordinal,
        .shift = result->shift,
        .mask = device->count == 0 ? device->mask : 0,
    };
    device->count += 1;
    device->documents += 1;
}

/* A repeat whose body is another one: the first stays, and somebody should know. */
static void
differing_note(struct chek_partition *partition, chek_page_ref ref)
{
    struct partition__device *device = chek_page_heap_change(&partition->heap, ref);
    device->retries_differing += 1;
    chek_fiscal_warn(&partition->fiscal, device->registration, CHEK_WARNING_RETRY_DIFFERS);
    struct chek_event event = {.kind = CHEK_EVENT_KIND_ALARM,
                               .registration = device->registration,
                               .ordinal = device->last.ordinal,
                               .shift = device->last.shift,
                               .sign = device->last.sign,
                               .code = (uint32_t)-CHEK_E_CONFLICT};
    partition->events.on_event(partition->events.context, &event);
}

static bool
is_kept(uint8_t status)
{
    return status == CHEK_STATUS_STORED || status == CHEK_STATUS_COMPLETED ||
           status == CHEK_STATUS_DUPLICATE;
}

int
partition__apply_exchange(struct chek_partition *partition, const struct chek_command *command,
                          const struct chek_circumstance *circumstance, struct chek_outcome *ret)
{
    struct chek_command_exchange what;
    struct chek_fault fault;
    uint32_t registration = command->envelope.registration;
    int error = chek_command_exchange_decode_whole(command->body.bytes, command->body.size,
                                                   &partition->decode, &what, &fault);
    chek_page_ref ref = error == CHEK_OK ? device_find(partition, registration) : 0;
    if (ref == 0) {
        return CHEK_E_CORRUPT;
    }
    const struct partition__device *known = chek_page_heap_read(&partition->heap, ref);
    if (known->resets != what.resets || known->count != what.count) {
        ret->result = (struct chek_result){.status = CHEK_STATUS_REFUSED,
                                           .code = (uint32_t)-CHEK_E_CONFLICT,
                                           .registration = registration};
        return CHEK_OK;
    }
    if (command->envelope.verdict == CHEK_VERDICT_PREVIOUS) {
        differing_note(partition, ref);
        ret->result =
            (struct chek_result){.status = CHEK_STATUS_DUPLICATE, .registration = registration};
        return CHEK_OK;
    }
    struct chek_circumstance found = *circumstance;
    found.warnings = what.warnings;
    bool withdraws = what.document != NULL && what.document->close != NULL &&
                     what.document->close->withdraw && drawer_now(partition, registration) > 0;
    if (what.document == NULL) {
        ret->result = (struct chek_result){.status = CHEK_STATUS_DUPLICATE,
                                           .registration = registration,
                                           .ordinal = what.ordinal,
                                           .shift = what.shift};
    } else if (!chek_fiscal_apply(&partition->fiscal, registration, what.document, &found,
                                  &partition->events, &ret->result)) {
        return CHEK_E_CORRUPT;
    }
    if (is_kept((uint8_t)ret->result.status)) {
        struct partition__device *device = chek_page_heap_change(&partition->heap, ref);
        if (what.document != NULL && ret->result.status != CHEK_STATUS_DUPLICATE) {
            totals_add(device, what.document, ret->result.shift,
                       withdraws && drawer_now(partition, registration) == 0);
        }
        exchange_count(device, &what, &ret->result);
    }
    return CHEK_OK;
}

/* ---- reading ---------------------------------------------------------------------------------- */

int
chek_partition_device(const struct chek_partition *partition, uint32_t registration,
                      struct chek_device *ret)
{
    chek_page_ref ref = device_find(partition, registration);
    if (ref == 0) {
        return CHEK_E_NOT_FOUND;
    }
    const struct partition__device *device = chek_page_heap_read(&partition->heap, ref);
    *ret = (struct chek_device){
        .token = {device->count, device->resets, device->number,
                  device->count == 0 ? device->mask : 0},
        .documents = device->documents,
        .retries_differing = device->retries_differing,
        .policy = device->policy,
        .blocked = device->blocked != 0,
        .has_last = device->last.is_there != 0,
        .last_token = {device->last.count, device->last.resets, device->number, device->last.mask},
        .last_request = device->last.request,
        .last_command = device->last.command,
        .last_digest = device->last.digest,
        .last_sign = device->last.sign,
        .last_time = device->last.time,
        .last_total = device->last.total,
        .last_ordinal = device->last.ordinal,
        .last_shift = device->last.shift,
        .ticket_shift = device->shift_ticket_shift,
        .ticket_time = device->shift_ticket_time,
        .tried_until_s = device->tried_until_s,
    };
    memcpy(&ret->now, &device->now, sizeof ret->now);
    memcpy(&ret->closed, &device->closed, sizeof ret->closed);
    return CHEK_OK;
}

/* ---- whole? ----------------------------------------------------------------------------------- */

static bool
on_device_ref(void *context, uint32_t value)
{
    const struct chek_partition *partition = context;
    if (!chek_page_heap_holds(&partition->heap, value, sizeof(struct partition__device))) {
        return false;
    }
    const struct partition__device *device = chek_page_heap_read(&partition->heap, value);
    return device->last.count <= device->documents &&
           chek_fiscal_is_registered(&partition->fiscal, device->registration);
}

static bool
on_forget(void *context, uint32_t value)
{
    struct partition__device *device = chek_page_heap_change(context, value);
    device->last.is_there = 0;
    return true;
}

void
partition__devices_forget(struct chek_partition *partition)
{
    const struct partition__root *root = chek_page_heap_root(&partition->heap);
    if (root->devices != 0) {
        (void)chek_page_map_each(&partition->heap,
                                 chek_page_heap_read(&partition->heap, root->devices), on_forget,
                                 &partition->heap);
    }
}

bool
partition__devices_are_valid(const struct chek_partition *partition)
{
    const struct partition__root *root = chek_page_heap_root(&partition->heap);
    if (root->devices == 0) {
        return true;
    }
    if (!chek_page_heap_holds(&partition->heap, root->devices, sizeof(struct chek_page_map))) {
        return false;
    }
    const struct chek_page_map *map = chek_page_heap_read(&partition->heap, root->devices);
    return chek_page_map_is_valid(&partition->heap, map) &&
           chek_page_map_each(&partition->heap, map, on_device_ref, (void *)(uintptr_t)partition);
}
