/* SPDX-License-Identifier: MIT */
/*
 * ahead.c - what a batch of commands will touch, asked for before any of it is needed.
 *
 * A cold line costs as much as a hundred values written. Commands of one batch mostly belong to
 * different registers, so each step is done for all of them before the next step of any: by then
 * what the first step asked for has come.
 */
#include "engine/partition/partition.h"
#include "engine/partition/state.h"

#define WAVE_COUNT_MAX 64

static bool
is_document(const struct chek_partition_target *target)
{
    return target->command.envelope.kind == CHEK_COMMAND_DOCUMENT && target->partition->number != 0;
}

static void
decode(struct chek_command *command, struct chek_arena *arena)
{
    struct chek_fault fault;
    struct chek_document *document = chek_arena_take(arena, sizeof *document);
    if (document != NULL && chek_document_decode_whole(command->body.bytes, command->body.size,
                                                       arena, document, &fault) == CHEK_OK) {
        command->document = document;
    }
}

static void
prefetch_wave(struct chek_partition_target *targets, uint32_t count, struct chek_arena *arena)
{
    struct chek_fiscal_target registrations[WAVE_COUNT_MAX];
    uint32_t registration_count = 0;

    for (uint32_t i = 0; i < count; i++) {
        struct chek_partition_target *target = &targets[i];
        target->command.document = NULL;
        if (!is_document(target)) {
            continue;
        }
        registrations[registration_count].fiscal = &target->partition->fiscal;
        registrations[registration_count].registration = target->command.envelope.registration;
        registration_count += 1;
        decode(&target->command, arena);
        chek_store_prefetch(target->partition->store, target->command.envelope.registration);
    }
    if (registration_count != 0) {
        chek_fiscal_prefetch(registrations, registration_count);
    }
}

void
chek_partition_prefetch(struct chek_partition_target *targets, uint32_t count,
                        struct chek_arena *arena)
{
    for (uint32_t at = 0; at < count; at += WAVE_COUNT_MAX) {
        uint32_t left = count - at;
        prefetch_wave(targets + at, left < WAVE_COUNT_MAX ? left : WAVE_COUNT_MAX, arena);
    }
}
