/* SPDX-License-Identifier: MIT */
/*
 * feed_claim.c - the opcode claim: registers are given their registrations before they speak.
 *
 * The directory decides first; then every partition that owns one of them is told (a REGISTER
 * command is harmless when it knows already); then the answer goes out. So a register that was
 * answered can be fed and asked about at once. What the directory would not take is refused before
 * anything is logged; only what another claim made of it meanwhile is refused afterwards.
 */
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/fiscal/check.h"
#include "ingest/feed_frame.h"

/* A registered is a mask and two small fields; the profile is not sent back. */
#define REGISTERED_SIZE_MAX 16

/* Where a register is at fault that the directory does not take. */
static struct chek_fault
fault_of(int error, uint32_t index)
{
    return (struct chek_fault){.field = error == CHEK_E_LIMIT ? CHEK_FIELD_REGISTER_KEYS
                                                              : CHEK_FIELD_CLAIM_REGISTERS,
                               .index = (uint16_t)index};
}

/*
 * Whether a register is there and seen, or is not there and the sender may make it. One that is
 * there and not seen is not told from one that is not there: a claim that names a point or a key of
 * the sender's would otherwise move it into the scope, with all that it ever sold.
 */
static bool
may_have(const struct chek_directory *directory, uint32_t principal,
         const struct chek_register *what)
{
    uint32_t known;
    int error = chek_directory_find_register(directory, what, &known);
    return error == CHEK_OK ? chek_directory_sees(directory, principal, known)
                            : chek_directory_is_trusted(directory, principal);
}

/* Errors: PERMISSION; UNREGISTERED; what a claim would end with. */
static int
directory_check(const struct chek_directory *directory, uint32_t principal,
                const struct chek_register *what)
{
    if (!chek_directory_sees_register(directory, principal, what)) {
        return CHEK_E_PERMISSION;
    }
    if (!may_have(directory, principal, what)) {
        return CHEK_E_UNREGISTERED;
    }
    return chek_directory_claim_check(directory, what);
}

/*
 * Whether the sender may claim all of these.
 *
 *   Errors     as directory_check(), what chek_register_check() says; *fault names field and index
 */
static int
claim_check(struct chek_feed_host *host, const struct chek_feed_frame *frame,
            const struct chek_claim *claim, struct chek_fault *fault)
{
    const struct chek_directory *directory = host->port.directory(host->port.context);
    for (uint32_t i = 0; i < claim->registers_count; i++) {
        const struct chek_register *what = &claim->registers[i];
        int error = chek_register_check(what, fault);
        if (error == CHEK_OK) {
            error = directory_check(directory, frame->principal, what);
            *fault = fault_of(error, i);
        }
        if (error != CHEK_OK) {
            fault->index = (uint16_t)i;
            return error;
        }
    }
    return CHEK_OK;
}

void
ingest__frame_claim(struct chek_feed_host *host, struct chek_feed_frame *frame)
{
    if (!host->port.claim(host->port.context, frame,
                          chek_bytes_view_of(frame->claim_buffer, frame->body_size))) {
        ingest__frame_busy(host, frame);
        return;
    }
    host->counters.claim_count += 1;
}

void
chek_feed_claim_handle(void *context, struct chek_request *request, struct chek_bytes_view body)
{
    struct chek_feed_host *host = context;
    struct chek_feed_frame *frame = ingest__frame_take(host, request);
    struct chek_claim claim;
    struct chek_fault fault = {0};

    if (frame == NULL) {
        host->counters.busy_count += 1;
        chek_request_busy(request);
        return;
    }
    frame->for_claim = true;
    int error =
        chek_claim_decode_whole(body.bytes, body.size, chek_request_arena(request), &claim, &fault);
    if (error == CHEK_OK) {
        error = claim_check(host, frame, &claim, &fault);
    }
    if (error != CHEK_OK) {
        ingest__frame_refuse(host, frame, error, &fault);
        return;
    }
    struct chek_command_claim command = {.registers = claim.registers,
                                         .registers_count = claim.registers_count};
    struct chek_writer out = chek_writer_over(frame->claim_buffer, CHEK_FRAME_BODY_SIZE_MAX);
    chek_command_claim_encode(&out, &command);
    CHEK_ASSERT(!out.full);
    frame->body_size = out.size;
    ingest__frame_claim(host, frame);
}

/* Tell the partitions. False: no part or no room for one; nothing was handed over. */
static bool
registers_fill(struct chek_feed_host *host, struct chek_feed_frame *frame,
               const struct chek_command_claim *claim)
{
    for (uint32_t i = 0; i < claim->registers_count; i++) {
        const struct chek_claimed *claimed = &frame->claimed_list[i];
        if (claimed->error != CHEK_OK) {
            continue;
        }
        unsigned shard = host->port.shard_of(host->port.context, claimed->partition);
        struct chek_part *part = ingest__part_for(host, frame, shard);
        if (part == NULL) {
            return false;
        }
        part->owns_bytes = true;
        struct chek_command_register body = {.registration = claimed->registration,
                                             .profile = &claim->registers[i]};
        struct chek_writer out = chek_writer_over(part->buffer + part->buffer_size,
                                                  CHEK_PART_BUFFER_SIZE - part->buffer_size);
        chek_command_register_encode(&out, &body);
        CHEK_ASSERT(!out.full); /* twice the size of what all of them came in */
        part->buffer_size += out.size;
        part->credit_size += (uint32_t)out.size + CHEK_ENVELOPE_SIZE;
        part->items[part->item_count++] = (struct chek_part_item){
            .body = out.bytes,
            .body_size = (uint32_t)out.size,
            .registration = claimed->registration,
            .partition = claimed->partition,
            .kind = CHEK_COMMAND_REGISTER,
            .index = (uint16_t)i,
        };
    }
    return true;
}

/* The directory has decided: tell the partitions, or say why not. */
static void
claim_continue(struct chek_feed_host *host, struct chek_feed_frame *frame,
               const struct chek_claimed *claimed, uint32_t claimed_count)
{
    struct chek_arena *arena = ingest__frame_arena(host, frame);
    struct chek_command_claim claim;
    struct chek_fault fault;
    int error = chek_command_claim_decode_whole(frame->claim_buffer, frame->body_size, arena,
                                                &claim, &fault);
    if (error != CHEK_OK) { /* our own bytes: this turn's arena is used up */
        ingest__frame_busy(host, frame);
        return;
    }
    CHEK_ASSERT(claim.registers_count == claimed_count);
    memcpy(frame->claimed_list, claimed, claimed_count * sizeof *claimed);
    frame->document_count = claimed_count;
    if (!registers_fill(host, frame, &claim)) {
        ingest__frame_busy(host, frame);
        return;
    }
    struct chek_part *parts[CHEK_SHARD_COUNT_MAX];
    uint32_t part_count = frame->part_count;
    memcpy(parts, frame->parts, part_count * sizeof *parts);
    frame->open_count = part_count;
    for (uint32_t i = 0; i < part_count; i++) {
        host->port.submit(host->port.context, parts[i]);
    }
    if (part_count == 0) {
        ingest__answer_claim(host, frame, CHEK_OK, NULL, 0);
    }
}

/* The first register that the directory did not take after all; their count when there is none. */
static uint32_t
refused_find(const struct chek_feed_frame *frame)
{
    uint32_t i = 0;
    while (i < frame->document_count && frame->claimed_list[i].error == CHEK_OK) {
        i += 1;
    }
    return i;
}

/* True when the answer is out and the frame is free again. It takes nothing but room in the output,
 * which the session calls back for: whatever else could be short would be waited for in vain. */
static bool
answer_try(struct chek_feed_host *host, struct chek_feed_frame *frame)
{
    if (frame->inside != NULL) {
        const struct chek_claimed *claimed = &frame->claimed_list[0];
        bool is_refused = claimed->error != CHEK_OK;
        frame->results[0] =
            (struct chek_result){.status = is_refused ? CHEK_STATUS_REFUSED : CHEK_STATUS_STORED,
                                 .code = is_refused ? (uint32_t)-claimed->error : 0,
                                 .registration = claimed->registration};
        ingest__frame_tell(host, frame, CHEK_OK);
        return true;
    }
    uint32_t refused = refused_find(frame);
    if (refused < frame->document_count) {
        int error = frame->claimed_list[refused].error;
        struct chek_fault fault = fault_of(error, refused);
        ingest__frame_refuse(host, frame, error, &fault);
        return true;
    }
    struct chek_registers answer = {.registers = frame->registered_list,
                                    .registers_count = frame->document_count};
    struct chek_writer out = chek_request_answer_begin(
        frame->request, 16 + (size_t)frame->document_count * REGISTERED_SIZE_MAX);
    if (out.full) {
        return false;
    }
    for (uint32_t i = 0; i < frame->document_count; i++) {
        frame->registered_list[i] =
            (struct chek_registered){.registration = frame->claimed_list[i].registration,
                                     .partition = frame->claimed_list[i].partition};
    }
    chek_registers_encode(&out, &answer);
    CHEK_ASSERT(!out.full);
    struct chek_request *request = frame->request;
    ingest__frame_give(host, frame);
    chek_request_answer_end(request, &out, true);
    return true;
}

/*
 * Called three times in the life of a claim: when the directory has decided (`claimed` given),
 * when the last partition was told, and when there is room for the answer again.
 */
void
ingest__answer_claim(struct chek_feed_host *host, struct chek_feed_frame *frame, int error,
                     const struct chek_claimed *claimed, uint32_t claimed_count)
{
    if (frame->request == NULL && frame->inside == NULL) {
        ingest__frame_give(host, frame);
    } else if (error != CHEK_OK) {
        ingest__frame_refuse(host, frame, error, NULL);
    } else if (claimed != NULL) {
        claim_continue(host, frame, claimed, claimed_count);
    } else {
        frame->part_count = 0;
        frame->answer_waits = !answer_try(host, frame);
    }
}
