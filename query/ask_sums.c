/* SPDX-License-Identifier: MIT */
/*
 * ask_sums.c - sums by register, trade point or organisation, by hour, day or altogether.
 *
 * An organisation is in one partition, and so are its points and registers: a group is never spread
 * over partitions, and a row that was sent is complete. A step takes whole groups and a window of
 * time so small that its rows fit into a chunk, adds up what the store gives for the groups'
 * registers in that window (hour tables mostly, engine/store/sums.h), and sends what it found.
 *
 * Which registers there are only the owner's thread can say: it collects those that are asked for
 * and seen, with the texts that groups are made of, a few hundred at a time. A worker puts them in
 * groups and adds up, over a view.
 */
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/civil.h"
#include "query/sum_up.h"

#define RANGE_S_MAX (UINT64_C(11) * 366 * CHEK_CIVIL_DAY_S)
#define LOOKS_A_STEP 2048 /* comparisons with targets, and REGISTER_LOOKS for a register */
#define REGISTER_LOOKS 16

static int
decode(struct chek_visit *visit, struct chek_arena *arena, struct chek_ask_sums *ret)
{
    return chek_ask_sums_decode_whole(visit->question, visit->question_size, arena, ret,
                                      &visit->fault);
}

static int
begin(struct chek_query_host *host, struct chek_visit *visit)
{
    struct chek_ask_sums question;
    int error = decode(visit, chek_request_arena(visit->request), &question);
    if (error != CHEK_OK) {
        return error;
    }
    /* Every target must be one that the asker sees; which, the owner finds out again. */
    for (uint32_t i = 0; i < question.targets_count; i++) {
        uint32_t registration;
        error = query__resolve(host, visit, &question.targets[i], CHEK_FIELD_ASK_SUMS_TARGETS,
                               &registration);
        if (error != CHEK_OK) {
            visit->fault.index = (uint16_t)i;
            return error;
        }
    }
    if (query__bucket_size_s(&question) != 0) {
        visit->fault = (struct chek_fault){.field = question.from == 0 ? CHEK_FIELD_ASK_SUMS_FROM
                                                                       : CHEK_FIELD_ASK_SUMS_TO};
        if (question.from == 0 || question.to == 0) {
            return CHEK_E_FIELD_MISSING;
        }
        if (question.to < question.from || (uint64_t)(question.to - question.from) > RANGE_S_MAX) {
            return CHEK_E_RANGE;
        }
    }
    visit->partition = 1;
    visit->partition_last = chek_directory_partition_count(query__directory(host));
    return CHEK_OK;
}

/* ---- who is in it ----------------------------------------------------------------------------- */

static bool
is_target(const struct chek_ask_sums *question, uint32_t registration,
          const struct chek_register *what)
{
    for (uint32_t i = 0; i < question->targets_count; i++) {
        const struct chek_target *target = &question->targets[i];
        if (target->registration == registration) {
            return true;
        }
        for (uint32_t j = 0; target->registration == 0 && j < what->keys_count; j++) {
            if ((target->kind == 0 || target->kind == what->keys[j].kind + 1u) &&
                chek_bytes_view_equal(target->key, what->keys[j].value)) {
                return true;
            }
        }
    }
    return question->targets_count == 0;
}

/* Keep a text for the worker: that of the register before, when it is the same. */
static int
text_keep(struct chek_arena *arena, struct chek_bytes_view before, struct chek_bytes_view *text)
{
    if (text->size == 0 || chek_bytes_view_equal(before, *text)) {
        *text = before.size == text->size ? before : chek_bytes_view_of(NULL, 0);
        return CHEK_OK;
    }
    uint8_t *bytes = chek_arena_take(arena, text->size);
    if (bytes == NULL) {
        return CHEK_E_LIMIT;
    }
    memcpy(bytes, text->bytes, text->size);
    *text = chek_bytes_view_of(bytes, text->size);
    return CHEK_OK;
}

/* Add a register that is asked for and seen; the directory's pages may change before a worker comes. */
static int
member_add(struct query__sums_work *work, const struct chek_visit_ground *ground,
           uint32_t registration)
{
    const struct chek_ask_sums *question = &work->question;
    struct chek_registered known;
    struct chek_home home;
    size_t mark = chek_arena_mark(ground->arena);
    int error = chek_directory_registered(ground->directory, registration, ground->arena, &known);
    if (error != CHEK_OK) {
        return error;
    }
    struct query__member member = {.organisation = known.profile->organisation,
                                   .point = known.profile->point,
                                   .registration = registration};
    bool is_wanted =
        is_target(question, registration, known.profile) &&
        (question->organisation.size == 0 ||
         chek_bytes_view_equal(question->organisation, member.organisation)) &&
        (question->point.size == 0 || chek_bytes_view_equal(question->point, member.point));
    /* The texts of the profile are the directory's own, so the arena can go back. */
    chek_arena_rewind(ground->arena, mark);
    if (!is_wanted) {
        return CHEK_OK;
    }
    struct query__member before =
        work->member_count != 0 ? work->members[work->member_count - 1] : (struct query__member){0};
    error = text_keep(ground->arena, before.organisation, &member.organisation);
    if (error == CHEK_OK) {
        error = text_keep(ground->arena, before.point, &member.point);
    }
    if (error == CHEK_OK) {
        error = chek_directory_home(ground->directory, registration, &home);
    }
    if (error == CHEK_OK) {
        member.currency = home.currency;
        work->members[work->member_count++] = member;
    }
    return error;
}

/* Begin to collect. Registers that come meanwhile are not asked about. */
static int
work_prepare(struct chek_visit *visit, const struct chek_visit_ground *ground)
{
    struct query__sums_work *work = chek_arena_take(ground->arena, sizeof *work);
    if (work == NULL) {
        return CHEK_E_LIMIT;
    }
    *work = (struct query__sums_work){0};
    int error = decode(visit, ground->arena, &work->question);
    CHEK_ASSERT(error == CHEK_OK || error == CHEK_E_LIMIT);
    if (error != CHEK_OK) {
        return error;
    }
    work->member_count_max = (uint32_t)chek_partition_registration_count(ground->partition);
    work->members =
        chek_arena_take(ground->arena, (work->member_count_max + 1) * sizeof *work->members);
    visit->prepared = work;
    visit->fault = (struct chek_fault){0};
    return work->members != NULL ? CHEK_OK : CHEK_E_LIMIT;
}

/* Look at some registers. False: there are more. */
static bool
members_collect(struct chek_visit *visit, const struct chek_visit_ground *ground,
                struct query__sums_work *work)
{
    const struct chek_fiscal *fiscal = chek_partition_fiscal(ground->partition);
    uint32_t looks = 0;
    while (looks < LOOKS_A_STEP && visit->error == CHEK_OK) {
        if (work->member_count == work->member_count_max ||
            !chek_fiscal_registration_next(fiscal, &work->registration, !work->is_begun)) {
            return true;
        }
        work->is_begun = true;
        looks += REGISTER_LOOKS + work->question.targets_count;
        if (chek_directory_sees(ground->directory, visit->principal, work->registration)) {
            visit->error = member_add(work, ground, work->registration);
        }
    }
    return false;
}

static enum chek_visit_next
run(struct chek_visit *visit, const struct chek_visit_ground *ground)
{
    if (visit->prepared == NULL) {
        visit->error = work_prepare(visit, ground);
    }
    bool is_whole = visit->error == CHEK_OK && members_collect(visit, ground, visit->prepared);
    if (visit->error != CHEK_OK) {
        return CHEK_VISIT_HOME;
    }
    return is_whole ? CHEK_VISIT_WORKER : CHEK_VISIT_AGAIN;
}

const struct query__kind query__sums = {.opcode = CHEK_OPCODE_ASK_SUMS,
                                        .begin = begin,
                                        .run = run,
                                        .work = query__sum_up,
                                        .is_long = true};
