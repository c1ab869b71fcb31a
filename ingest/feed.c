/* SPDX-License-Identifier: MIT */
/*
 * feed.c - from a frame of documents to parts and back to one answer.
 *
 * Two passes. The first decodes and judges every document and finds its home; nothing has happened
 * yet, so the frame can still be BUSY as a whole or wait for a claim. The second cuts parts and
 * hands them over. Bodies stay where they arrived unless they must outlive the call.
 */
#include "ingest/feed.h"

#include <errno.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "engine/fiscal/check.h"
#include "engine/store/store.h"
#include "ingest/feed_frame.h"

/* Reserved; one document, or the claim of one register, touches what it needs. */
#define ARENA_SIZE ((size_t)16 * 1024 * 1024)

int
chek_feed_host_create(const struct chek_feed_config *config, const struct chek_feed_port *port,
                      struct chek_feed_host **ret)
{
    struct chek_feed_host *host = chek_memory_allocate(sizeof *host);
    if (host == NULL) {
        return -ENOMEM;
    }
    host->port = *port;
    host->io = config->io;
    host->frame_count = config->frame_count;
    chek_list_init(&host->free);
    int error = chek_arena_init(&host->arena, ARENA_SIZE);
    if (error == CHEK_OK) {
        error = chek_part_pool_init(&host->parts, config->part_count);
    }
    if (error == CHEK_OK) {
        error = ingest__frames_init(host);
    }
    if (error != CHEK_OK) {
        chek_feed_host_destroy(host);
        return error;
    }
    *ret = host;
    return CHEK_OK;
}

void
chek_feed_host_destroy(struct chek_feed_host *host)
{
    if (host == NULL) {
        return;
    }
    ingest__frames_finish(host);
    if (host->parts.parts != NULL) {
        chek_part_pool_finish(&host->parts);
    }
    chek_arena_finish(&host->arena);
    chek_memory_free(host, sizeof *host);
}

/* ---- first pass: judge ------------------------------------------------------------------------ */

static void
refuse_document(struct chek_feed_frame *frame, uint32_t index, int error,
                const struct chek_fault *fault)
{
    struct chek_result *result = &frame->results[index];
    *result = (struct chek_result){.status = CHEK_STATUS_REFUSED, .code = (uint32_t)-error};
    if (fault != NULL) {
        result->field = fault->field;
        result->index = fault->index;
    }
    frame->homes[index].partition = 0;
}

/*
 * Note that a register must be claimed before the frame can go on. One command claims as many as a
 * log group holds; the rest wait for the next round.
 */
static void
want_claim(struct chek_feed_frame *frame, const struct chek_register *what)
{
    if (frame->claim_count < FEED_CLAIM_COUNT_MAX) {
        frame->claims[frame->claim_count++] = *what;
    }
}

/* Who may make the register of a document that nobody knows: not a report that describes it less
 * than a receipt would. (ingest/FFD.md R10) */
static bool
may_claim(const struct chek_feed_host *host, const struct chek_feed_frame *frame,
          const struct chek_document *document)
{
    const struct chek_drive_report *report = document->drive_report;
    bool is_inside = frame->inside != NULL;
    return (report == NULL || chek_drive_report_registers(report)) &&
           (is_inside ||
            chek_directory_is_trusted(host->port.directory(host->port.context), frame->principal));
}

/*
 * Find the home of a document that names its register by what is known of it.
 *
 *   Errors     UNREGISTERED, also when it exists and is out of scope; AMBIGUOUS; EXISTS
 */
static int
resolve_profile(struct chek_feed_host *host, struct chek_feed_frame *frame,
                const struct chek_document *document, uint32_t *ret, struct chek_fault *fault)
{
    const struct chek_register *what = document->profile;
    const struct chek_directory *directory = host->port.directory(host->port.context);
    int error = chek_register_check(what, fault);
    if (error != CHEK_OK) {
        return error;
    }
    *fault = (struct chek_fault){.field = CHEK_FIELD_DOCUMENT_PROFILE};
    bool is_inside = frame->inside != NULL;
    if (!is_inside && !chek_directory_sees_register(directory, frame->principal, what)) {
        return CHEK_E_UNREGISTERED;
    }
    error = chek_directory_find_register(directory, what, ret);
    if (error == CHEK_E_UNREGISTERED && frame->claim_round < FEED_CLAIM_ROUND_MAX &&
        may_claim(host, frame, document)) {
        want_claim(frame, what);
        return CHEK_OK;
    }
    return error;
}

/* The registration a document belongs to, 0 when it must be claimed first; and its partition. */
static int
resolve(struct chek_feed_host *host, struct chek_feed_frame *frame,
        const struct chek_document *document, struct ingest__home *home, struct chek_fault *fault)
{
    const struct chek_directory *directory = host->port.directory(host->port.context);
    uint32_t registration = document->registration;
    struct chek_home found;

    if (document->profile != NULL) {
        int error = resolve_profile(host, frame, document, &registration, fault);
        if (error != CHEK_OK || registration == 0) {
            return error;
        }
    }
    /* What is there and not seen answers as what is not there, the field too. */
    fault->field =
        document->profile != NULL ? CHEK_FIELD_DOCUMENT_PROFILE : CHEK_FIELD_DOCUMENT_REGISTRATION;
    fault->index = 0;
    int error = chek_directory_home(directory, registration, &found);
    if (error != CHEK_OK) {
        return error;
    }
    if (!frame->unbounded &&
        !chek_directory_sees(directory, frame->principal, found.registration)) {
        return CHEK_E_UNREGISTERED;
    }
    home->registration = registration;
    home->partition = found.partition;
    return CHEK_OK;
}

/* Subjects are the server's to set, not the sender's. */
static int
persons_check(const struct chek_receipt *receipt, struct chek_fault *fault)
{
    if (receipt->buyer.size == 0 && memcmp(receipt->subject, ingest__no_subject, 16) != 0) {
        *fault = (struct chek_fault){.field = CHEK_FIELD_RECEIPT_SUBJECT};
        return CHEK_E_RANGE;
    }
    for (uint32_t i = 0; i < receipt->persons_count; i++) {
        const struct chek_person *person = &receipt->persons[i];
        if (memcmp(person->subject, ingest__no_subject, 16) != 0) {
            *fault = (struct chek_fault){.field = CHEK_FIELD_PERSON_SUBJECT, .index = (uint16_t)i};
            return CHEK_E_RANGE;
        }
    }
    return CHEK_OK;
}

static void
judge_document(struct chek_feed_host *host, struct chek_feed_frame *frame, uint32_t index,
               struct chek_arena *arena)
{
    struct ingest__home *home = &frame->homes[index];
    struct chek_document document;
    struct chek_fault fault = {0};
    size_t mark = chek_arena_mark(arena);
    uint32_t claim_count = frame->claim_count;

    *home = (struct ingest__home){.body = frame->bodies[index]};
    int error =
        chek_document_decode_whole(home->body.bytes, home->body.size, arena, &document, &fault);
    if (error == CHEK_OK) {
        error = chek_document_check(&document, &home->warnings, &fault);
    }
    if (error == CHEK_OK) {
        error = resolve(host, frame, &document, home, &fault);
    }
    if (error == CHEK_OK && document.receipt != NULL) {
        home->personal = chek_receipt_is_personal(document.receipt);
        error = persons_check(document.receipt, &fault);
    }
    home->number = error == CHEK_OK ? chek_document_number(&document) : 0;
    if (error != CHEK_OK) {
        refuse_document(frame, index, error, &fault);
    }
    /* A register that must be claimed is needed until the claim is encoded. */
    if (frame->claim_count == claim_count) {
        chek_arena_rewind(arena, mark);
    }
}

/* A document's home is loaded while those before it are judged. */
#define AHEAD_COUNT 6

/* Most documents begin with their registration. Decides nothing: anything may stand here. */
static void
home_prefetch(const struct chek_directory *directory, struct chek_bytes_view body)
{
    const uint8_t bit = 1 << (CHEK_FIELD_DOCUMENT_REGISTRATION % CHEK_FIELDS_A_RECORD - 1);
    struct chek_cursor in = chek_cursor_over(body.bytes, body.size);
    if ((chek_cursor_u8(&in) & bit) != 0) {
        uint64_t registration = chek_cursor_varint(&in);
        if (in.error == CHEK_OK && registration <= UINT32_MAX) {
            chek_directory_prefetch(directory, (uint32_t)registration);
        }
    }
}

/* ---- second pass: cut and hand over ----------------------------------------------------------- */

/* Fill parts from what was judged good. False: some shard has no budget; nothing was handed over. */
static bool
parts_fill(struct chek_feed_host *host, struct chek_feed_frame *frame, struct chek_arena *arena)
{
    for (uint32_t i = 0; i < frame->document_count; i++) {
        const struct ingest__home *home = &frame->homes[i];
        if (home->partition == 0) {
            continue;
        }
        unsigned shard = host->port.shard_of(host->port.context, home->partition);
        struct chek_part *part = ingest__part_for(host, frame, shard);
        if (part == NULL) {
            return false;
        }
        struct chek_part_item *item = &part->items[part->item_count++];
        *item = (struct chek_part_item){
            .body = home->body.bytes,
            .body_size = (uint32_t)home->body.size,
            .registration = home->registration,
            .partition = home->partition,
            .kind = CHEK_COMMAND_DOCUMENT,
            .index = (uint16_t)i,
            .number = home->number,
            .warnings = home->warnings,
            .source_offset = frame->offset != 0 ? frame->offset + i : 0,
        };
        part->credit_size += (uint32_t)home->body.size + CHEK_ENVELOPE_SIZE;
        if (home->personal && !ingest__take_personal(host, part, item, arena)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < frame->part_count; i++) {
        struct chek_part *part = frame->parts[i];
        if (!host->port.has_credit(host->port.context, part->owner, part->credit_size)) {
            return false;
        }
    }
    return true;
}

static void
parts_submit(struct chek_feed_host *host, struct chek_feed_frame *frame)
{
    uint32_t part_count = frame->part_count;
    struct chek_part *parts[CHEK_SHARD_COUNT_MAX];

    memcpy(parts, frame->parts, part_count * sizeof *parts);
    frame->open_count = part_count;
    if (part_count == 0) {
        ingest__answer(host, frame);
        return;
    }
    for (uint32_t i = 0; i < part_count; i++) {
        if (parts[i]->owner != chek_io_shard(host->io)) {
            chek_part_own(parts[i], 0);
        }
        /* The last of these may answer the frame in the same call. */
        host->port.submit(host->port.context, parts[i]);
    }
}

/* Claim what the frame names and nobody knows; its connection waits, the frame is kept. */
static void
frame_claim(struct chek_feed_host *host, struct chek_feed_frame *frame, struct chek_bytes_view body)
{
    struct chek_command_claim claim = {.registers = frame->claims,
                                       .registers_count = frame->claim_count};
    struct chek_writer out = chek_writer_over(frame->claim_buffer, CHEK_FRAME_BODY_SIZE_MAX);
    chek_command_claim_encode(&out, &claim);
    /* What was inside one frame fits into a buffer of a frame's size. */
    CHEK_ASSERT(!out.full);
    if (body.bytes != frame->body_buffer) {
        memcpy(frame->body_buffer, body.bytes, body.size);
        frame->body_size = body.size;
    }
    if (frame->request != NULL) {
        chek_request_park(frame->request);
    }
    if (!host->port.claim(host->port.context, frame, chek_bytes_view_of(out.bytes, out.size))) {
        if (frame->request != NULL) {
            chek_request_unpark(frame->request);
        }
        ingest__frame_busy(host, frame);
        return;
    }
    host->counters.claim_count += 1;
}

void
ingest__frame_run(struct chek_feed_host *host, struct chek_feed_frame *frame,
                  struct chek_bytes_view body)
{
    struct chek_arena *arena = ingest__frame_arena(host, frame);
    struct chek_feed feed;
    struct chek_fault fault;

    int error = chek_feed_decode_whole(body.bytes, body.size, arena, &feed, &fault);
    if (error != CHEK_OK) {
        ingest__frame_refuse(host, frame, error, &fault);
        return;
    }
    frame->document_count = feed.documents_count;
    frame->offset = feed.offset;
    frame->bodies = feed.documents;
    frame->claim_count = 0;
    const struct chek_directory *directory = host->port.directory(host->port.context);
    for (uint32_t i = 0; i < frame->document_count; i++) {
        if (i + AHEAD_COUNT < frame->document_count) {
            home_prefetch(directory, frame->bodies[i + AHEAD_COUNT]);
        }
        judge_document(host, frame, i, arena);
    }
    if (frame->claim_count != 0) {
        frame_claim(host, frame, body);
        return;
    }
    if (!parts_fill(host, frame, arena)) {
        ingest__frame_busy(host, frame);
        return;
    }
    host->counters.document_count += frame->document_count;
    parts_submit(host, frame);
}

void
chek_feed_handle(void *context, struct chek_request *request, struct chek_bytes_view body)
{
    struct chek_feed_host *host = context;
    struct chek_feed_frame *frame = ingest__frame_take(host, request);
    if (frame == NULL) {
        host->counters.busy_count += 1;
        chek_request_busy(request);
        return;
    }
    host->counters.frame_count += 1;
    ingest__frame_run(host, frame, body);
}

void
chek_feed_claimed(struct chek_feed_host *host, struct chek_feed_frame *frame, int error,
                  const struct chek_claimed *claimed, uint32_t claimed_count)
{
    struct chek_request *request = frame->request;
    if (frame->for_claim) {
        ingest__answer_claim(host, frame, error, claimed, claimed_count);
        return;
    }
    if (request == NULL && frame->inside == NULL) {
        ingest__frame_give(host, frame);
        return;
    }
    if (request != NULL) {
        chek_request_unpark(request);
    }
    if (error != CHEK_OK) {
        ingest__frame_refuse(host, frame, error, NULL);
        return;
    }
    frame->claim_round += 1;
    ingest__frame_run(host, frame, chek_bytes_view_of(frame->body_buffer, frame->body_size));
}
