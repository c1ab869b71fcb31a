/* SPDX-License-Identifier: MIT */
/*
 * cpcr_exchange.c - a request is read, judged, and becomes a command of the log.
 */
#include "ingest/cpcr/cpcr_exchange.h"

#include "engine/base/assertion.h"
#include "engine/base/checksum.h"
#include "engine/fiscal/check.h"
#include "engine/store/keep.h"
#include "ingest/cpcr/cpcr_judge.h"

#define VERSION_OLD_MIN 120 /* R5: 1.2.x, read as far as they agree */
#define VERSION_OLD_MAX 129
#define VERSION_MIN 200
#define VERSION_MAX 204

#define BARE_SIZE_MAX 128 /* of an exchange without a document */

/* ---- the command ------------------------------------------------------------------------------ */

static bool
version_is_known(uint16_t version)
{
    return (version >= VERSION_OLD_MIN && version <= VERSION_OLD_MAX) ||
           (version >= VERSION_MIN && version <= VERSION_MAX);
}

/* R6: whether there is such a command, and whether it is served. */
static uint32_t
command_check(uint32_t command, struct chek_cpcr_fault *fault)
{
    switch (command) {
    case INGEST__COMMAND_TYPE__COMMAND_SYSTEM:
    case INGEST__COMMAND_TYPE__COMMAND_TICKET:
    case INGEST__COMMAND_TYPE__COMMAND_CLOSE_SHIFT:
    case INGEST__COMMAND_TYPE__COMMAND_REPORT:
    case INGEST__COMMAND_TYPE__COMMAND_INFO:
    case INGEST__COMMAND_TYPE__COMMAND_MONEY_PLACEMENT:
    case INGEST__COMMAND_TYPE__COMMAND_AUTH:
    case INGEST__COMMAND_TYPE__COMMAND_NOMENCLATURE:
        return CHEK_CPCR_OK;
    case INGEST__COMMAND_TYPE__COMMAND_CANCEL_TICKET:
    case INGEST__COMMAND_TYPE__COMMAND_OPEN_SHIFT:
    case INGEST__COMMAND_TYPE__COMMAND_QR_GENERATE:
    case INGEST__COMMAND_TYPE__COMMAND_QR_GET_STATUS:
    case INGEST__COMMAND_TYPE__COMMAND_RESERVED:
        return chek_cpcr_refuse(fault, CHEK_CPCR_UNSUPPORTED_COMMAND, "command",
                                "it is not served");
    default:
        return chek_cpcr_refuse(fault, CHEK_CPCR_UNKNOWN_COMMAND, "command", "there is none such");
    }
}

static bool
is_document_command(uint32_t command)
{
    return command == INGEST__COMMAND_TYPE__COMMAND_TICKET ||
           command == INGEST__COMMAND_TYPE__COMMAND_CLOSE_SHIFT ||
           command == INGEST__COMMAND_TYPE__COMMAND_MONEY_PLACEMENT;
}

/* ---- documents -------------------------------------------------------------------------------- */

/* A document on its way into the log. */
struct making {
    const struct chek_cpcr_ground *ground;
    const struct chek_device *device;
    const struct chek_cpcr_message *message;
    struct chek_document document;
    struct chek_command_exchange command;
};

/*
 * R23: the digest is of what the document says, without what the engine added and what a register
 * changes when it sends the document again: that it was offline meanwhile, and the service block.
 */
static uint64_t
digest_make(const struct chek_document *document, struct chek_arena *arena)
{
    struct chek_document bare = *document;
    struct chek_receipt receipt;
    struct chek_movement movement;
    struct chek_close close;
    size_t mark = chek_arena_mark(arena);
    uint8_t *bytes = chek_arena_take(arena, CHEK_COMMAND_BODY_SIZE_MAX);
    if (bytes == NULL) {
        return 0;
    }
    if (bare.receipt != NULL) {
        receipt = *bare.receipt;
        receipt.sign = receipt.autonomous = 0;
        receipt.offline = false;
        bare.receipt = &receipt;
    } else if (bare.movement != NULL) {
        movement = *bare.movement;
        movement.autonomous = 0;
        movement.offline = false;
        bare.movement = &movement;
    } else {
        close = *bare.close;
        close.sign = 0;
        bare.close = &close;
    }
    struct chek_writer out = chek_writer_over(bytes, CHEK_COMMAND_BODY_SIZE_MAX);
    chek_document_encode(&out, &bare);
    chek_arena_rewind(arena, mark);
    return chek_checksum(bytes, out.size);
}

/* Who is on a ticket goes into commands of their own: those that the partition does not know. (R49) */
static bool
subjects_take(struct making *making, struct chek_cpcr_exchange *ret)
{
    struct chek_arena *arena = making->ground->arena;
    struct chek_subject subjects[CHEK_SUBJECT_COUNT_MAX];
    struct chek_registered known;
    size_t size = CHEK_SUBJECT_COUNT_MAX * CHEK_COMMAND_SUBJECT_SIZE_MAX;
    struct chek_receipt *receipt = chek_arena_take(arena, sizeof *receipt);
    struct chek_person *persons = chek_arena_take(arena, CHEK_PERSON_COUNT_MAX * sizeof *persons);
    uint8_t *bodies = chek_arena_take(arena, size);
    int error = chek_fiscal_registration(chek_partition_fiscal(making->ground->partition),
                                         making->ground->registration, arena, &known);
    if (receipt == NULL || persons == NULL || bodies == NULL || error != CHEK_OK) {
        return false;
    }
    *receipt = *making->document.receipt;
    struct chek_writer out = chek_writer_over(bodies, size);
    uint32_t count =
        chek_subjects_take(making->ground->key, making->ground->io, known.profile->organisation,
                           receipt, persons, &out, subjects);
    CHEK_ASSERT(!out.full);
    making->document.receipt = receipt;
    for (uint32_t i = 0; i < count; i++) {
        if (making->ground->is_erasing ||
            !chek_partition_has_subject(making->ground->partition, subjects[i].id)) {
            ret->subject_bodies[ret->subject_count++] = subjects[i].body;
        }
    }
    return true;
}

/*
 * R72: an offline ticket that came before under another token is known by its autonomous sign; it is
 * answered with the sign that it got then.
 */
static bool
is_there(struct making *making)
{
    const struct chek_fiscal *fiscal = chek_partition_fiscal(making->ground->partition);
    struct chek_document bare = making->document;
    struct chek_receipt receipt;
    struct chek_result result;
    struct chek_row row;
    uint64_t sign;
    if (bare.receipt == NULL || bare.receipt->autonomous == 0) {
        return false;
    }
    receipt = *bare.receipt;
    receipt.sign = 0;
    receipt.document = 0; /* it may have been kept without its number */
    bare.receipt = &receipt;
    if (!chek_fiscal_is_repeat(fiscal, making->ground->registration, &bare, &result) ||
        chek_store_read_head(chek_partition_store(making->ground->partition),
                             making->ground->registration, result.ordinal, &row,
                             &sign) != CHEK_OK ||
        row.kind != CHEK_ROW_RECEIPT) {
        return false;
    }
    making->command.ordinal = result.ordinal;
    making->command.shift = result.shift;
    making->command.sign = sign;
    return true;
}

static void
answer_note(struct making *making)
{
    const struct chek_document *document = &making->document;
    if (document->receipt != NULL) {
        making->command.time = document->receipt->time;
        making->command.total = document->receipt->total;
    } else {
        making->command.time =
            document->movement != NULL ? document->movement->time : document->close->time;
    }
}

/* R54: a number that another document has is left away: it would refuse this one, which is on paper. */
static bool
number_settle(struct making *making)
{
    struct chek_document *document = &making->document;
    struct chek_arena *arena = making->ground->arena;
    uint32_t ordinal;
    uint32_t number = chek_document_number(document);
    if (number == 0 ||
        chek_fiscal_find_document(chek_partition_fiscal(making->ground->partition),
                                  making->ground->registration, number, &ordinal) != CHEK_OK) {
        return true;
    }
    making->command.warnings |= UINT32_C(1) << CHEK_WARNING_NUMBER_AGAIN;
    if (document->receipt != NULL) {
        struct chek_receipt *copy = chek_arena_take(arena, sizeof *copy);
        if (copy != NULL) {
            *copy = *document->receipt;
            copy->document = 0;
            document->receipt = copy;
        }
        return copy != NULL;
    }
    if (document->movement != NULL) {
        struct chek_movement *copy = chek_arena_take(arena, sizeof *copy);
        if (copy != NULL) {
            *copy = *document->movement;
            copy->document = 0;
            document->movement = copy;
        }
        return copy != NULL;
    }
    struct chek_close *copy = chek_arena_take(arena, sizeof *copy);
    if (copy != NULL) {
        *copy = *document->close;
        copy->document = 0;
        document->close = copy;
    }
    return copy != NULL;
}

static uint32_t
command_make(struct making *making, struct chek_cpcr_exchange *ret)
{
    struct chek_arena *arena = making->ground->arena;
    if (making->document.receipt != NULL && chek_receipt_is_personal(making->document.receipt) &&
        !subjects_take(making, ret)) {
        return chek_cpcr_refuse(&ret->fault, CHEK_CPCR_SERVICE_TEMPORARILY_UNAVAILABLE, "request",
                                "there is no room for it now");
    }
    making->command.document = is_there(making) ? NULL : &making->document;
    if (making->command.document != NULL) {
        making->command.warnings =
            ingest__cpcr_late(making->ground, making->message, making->command.time);
        if (!number_settle(making)) {
            return chek_cpcr_refuse(&ret->fault, CHEK_CPCR_SERVICE_TEMPORARILY_UNAVAILABLE,
                                    "request", "there is no room for it now");
        }
    }
    if (making->ground->looks_ahead && making->command.document != NULL) {
        struct chek_result result;
        (void)chek_fiscal_is_repeat(chek_partition_fiscal(making->ground->partition),
                                    making->ground->registration, &making->document, &result);
    }
    uint8_t *bytes = chek_arena_take(arena, CHEK_COMMAND_BODY_SIZE_MAX);
    struct chek_writer out =
        chek_writer_over(bytes, bytes != NULL ? CHEK_COMMAND_BODY_SIZE_MAX : 0);
    chek_command_exchange_encode(&out, &making->command);
    if (out.full) {
        return ingest__cpcr_incorrect(&ret->fault, "request", "there is more in it than fits");
    }
    ret->body = chek_bytes_view_of(bytes, out.size);
    return CHEK_CPCR_OK;
}

/* A new document: everything that may forbid it, then its command. */
static uint32_t
document_count(struct making *making, struct chek_cpcr_exchange *ret)
{
    uint32_t code = ingest__cpcr_allow(making->ground, making->device, making->message,
                                       &making->document, &ret->fault);
    if (code != CHEK_CPCR_OK) {
        return code;
    }
    answer_note(making);
    ret->verdict = CHEK_VERDICT_CURRENT;
    return command_make(making, ret);
}

/* R23: a repeat is answered whatever it says; that it says something else is worth a command. */
static void
document_replay(struct making *making, struct chek_cpcr_exchange *ret)
{
    uint8_t *bytes = chek_arena_take(making->ground->arena, BARE_SIZE_MAX);
    if (bytes == NULL) {
        return;
    }
    struct chek_writer out = chek_writer_over(bytes, BARE_SIZE_MAX);
    chek_command_exchange_encode(&out, &making->command);
    CHEK_ASSERT(!out.full);
    ret->verdict = CHEK_VERDICT_PREVIOUS;
    ret->body = chek_bytes_view_of(bytes, out.size);
}

static uint32_t
document_take(const struct chek_cpcr_ground *ground, const struct chek_device *device,
              const struct chek_cpcr_message *message, struct chek_cpcr_exchange *ret)
{
    /* The last token counts only beside its number: else the hash need not be made. */
    bool is_last = device->has_last && ret->head.request == device->last_request;
    struct chek_cpcr_ledger ledger = {
        .issued = chek_cpcr_token(ground->key, &device->token),
        .last_token = is_last ? chek_cpcr_token(ground->key, &device->last_token) : 0,
        .last_request = device->last_request,
        .last_command = device->last_command,
        .has_last = device->has_last,
    };
    struct making making = {
        .ground = ground,
        .device = device,
        .message = message,
        .command = {.resets = device->token.resets,
                    .count = device->token.count,
                    .request = ret->head.request,
                    .command = message->command,
                    .sign = chek_cpcr_sign(ground->key, ground->registration, device->documents)},
    };
    struct chek_cpcr_terms terms = {making.command.sign, ground->registration,
                                    ground->without_autonomous};
    ret->is_offline = chek_cpcr_is_offline(message);
    uint32_t code = CHEK_CPCR_OK;
    enum chek_cpcr_judgement judgement =
        chek_cpcr_judge(&ledger, ret->head.token, ret->head.request, message->command, &code);
    if (judgement == CHEK_CPCR_REFUSE) {
        return chek_cpcr_refuse(&ret->fault, code, "token", "it is not the one that is due");
    }
    code = chek_cpcr_to_document(message, &terms, ground->arena, &making.document, &ret->fault);
    if (code == CHEK_CPCR_OK) {
        making.command.digest = digest_make(&making.document, ground->arena);
    }
    if (judgement == CHEK_CPCR_COUNT) {
        return code == CHEK_CPCR_OK ? document_count(&making, ret) : code;
    }
    if (making.command.digest != device->last_digest) {
        document_replay(&making, ret);
    }
    return CHEK_CPCR_OK;
}

/* ---- the others ------------------------------------------------------------------------------- */

static uint32_t
service_take(const struct chek_cpcr_ground *ground, const struct chek_device *device,
             const struct chek_cpcr_message *message, struct chek_cpcr_exchange *ret)
{
    if (message->command == INGEST__COMMAND_TYPE__COMMAND_REPORT) { /* R24: whatever the token */
        const Ingest__ReportRequest *report = message->request->report;
        ret->wants_x = report->report == INGEST__REPORT_TYPE__REPORT_X;
        return chek_cpcr_civil(report->date_time, "date_time", &ret->time, &ret->fault);
    }
    if (ret->head.token == 0 || ret->head.token != chek_cpcr_token(ground->key, &device->token)) {
        return chek_cpcr_refuse(&ret->fault, CHEK_CPCR_INVALID_TOKEN, "token",
                                "it is not the one that is due");
    }
    if (message->command == INGEST__COMMAND_TYPE__COMMAND_AUTH) {
        if (!ingest__cpcr_auth_take(ground, device, message->request->auth, ret)) {
            return chek_cpcr_refuse(&ret->fault, CHEK_CPCR_SERVICE_TEMPORARILY_UNAVAILABLE,
                                    "request", "there is no room for it now");
        }
    } else if (message->command == INGEST__COMMAND_TYPE__COMMAND_NOMENCLATURE) {
        ingest__cpcr_goods_take(message->request->nomenclature, &ret->goods);
    }
    return CHEK_CPCR_OK;
}

/* ---- all of them ------------------------------------------------------------------------------ */

static uint32_t
request_take(const struct chek_cpcr_ground *ground, struct chek_bytes_view frame,
             struct chek_cpcr_exchange *ret)
{
    struct chek_device device;
    struct chek_cpcr_message message;
    struct chek_bytes_view body =
        chek_bytes_view_of(frame.bytes + CHEK_CPCR_HEAD_SIZE, frame.size - CHEK_CPCR_HEAD_SIZE);
    uint32_t code =
        chek_cpcr_message_read(body, ret->head.version, ground->arena, &message, &ret->fault);
    ret->command = message.command;
    if (ground->registration == 0 ||
        chek_partition_device(ground->partition, ground->registration, &device) != CHEK_OK) {
        return chek_cpcr_refuse(&ret->fault, CHEK_CPCR_UNKNOWN_ID, "id", "no such device");
    }
    ret->is_known = true;
    if (!version_is_known(ret->head.version)) {
        return chek_cpcr_refuse(&ret->fault, CHEK_CPCR_PROTOCOL_ERROR, "version",
                                "it is not spoken here");
    }
    if (code != CHEK_CPCR_OK) {
        return code;
    }
    code = command_check(message.command, &ret->fault);
    if (code != CHEK_CPCR_OK) {
        return code;
    }
    const Ingest__ServiceRequest *service = message.request->service;
    ret->wants_service = message.command == INGEST__COMMAND_TYPE__COMMAND_INFO ||
                         (service != NULL && service->get_reg_info);
    if (device.blocked) {
        ret->is_blocked = true;
        return chek_cpcr_refuse(&ret->fault, CHEK_CPCR_BLOCKED, "device", "it is blocked");
    }
    ret->is_document = is_document_command(message.command);
    return ret->is_document ? document_take(ground, &device, &message, ret)
                            : service_take(ground, &device, &message, ret);
}

bool
chek_cpcr_take(const struct chek_cpcr_ground *ground, struct chek_bytes_view frame,
               struct chek_cpcr_exchange *ret)
{
    *ret = (struct chek_cpcr_exchange){.kind = CHEK_COMMAND_EXCHANGE};
    int error = chek_cpcr_head_read(frame, &ret->head);
    CHEK_ASSERT(error == CHEK_OK && ret->head.size == frame.size); /* a frame was split off */
    uint32_t code = request_take(ground, frame, ret);
    if (code != CHEK_CPCR_OK) {
        ret->body = (struct chek_bytes_view){0};
        ret->subject_count = 0;
        return false;
    }
    ret->fault =
        (struct chek_cpcr_fault){0}; /* a repeat is answered although it does not convert */
    return ret->body.size != 0;
}

bool
chek_cpcr_comes_again(const struct chek_cpcr_exchange *exchange, const struct chek_result *result)
{
    return exchange->is_offline && exchange->command == INGEST__COMMAND_TYPE__COMMAND_TICKET &&
           exchange->verdict == CHEK_VERDICT_CURRENT && result->status == CHEK_STATUS_CONFLICT;
}

/* R77: whether a row that a document would be compared with cannot be read: it may be later. */
static bool
is_unread(const struct chek_result *result)
{
    int error = -(int)result->code;
    return error == CHEK_E_CORRUPT || error == CHEK_E_HALTED || error > -5000;
}

void
chek_cpcr_counted(struct chek_cpcr_exchange *exchange, const struct chek_result *result, int error)
{
    if (error == CHEK_OK && result->status == CHEK_STATUS_REFUSED && is_unread(result)) {
        error = -(int)result->code;
    }
    if (error != CHEK_OK) {
        (void)chek_cpcr_refuse(&exchange->fault, CHEK_CPCR_SERVICE_TEMPORARILY_UNAVAILABLE,
                               "request", chek_error_text(error));
    } else if (result->status == CHEK_STATUS_REFUSED || result->status == CHEK_STATUS_CONFLICT) {
        (void)chek_cpcr_refuse(&exchange->fault, CHEK_CPCR_INCORRECT_REQUEST_DATA, "document",
                               chek_error_text(-(int)result->code));
    }
}
