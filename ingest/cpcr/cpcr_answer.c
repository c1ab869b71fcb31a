/* SPDX-License-Identifier: MIT */
/*
 * cpcr_answer.c - what a register hears, made from the state when it is said.
 *
 * An answer is never kept: the exchange counted last names the document, and a repeat is answered
 * from the same names. So a repeat after a crash gets the same bytes, and the token that is due.
 */
#include "engine/base/assertion.h"
#include "engine/base/civil.h"
#include "engine/base/decimal.h"
#include "engine/partition/nomenclature.h"
#include "ingest/cpcr/cpcr_exchange.h"
#include "ingest/cpcr/cpcr_report.h"

#define TEXT_SIZE 512
#define MONEY_DECIMALS 2

static ProtobufCBinaryData
data_of(struct chek_bytes_view view)
{
    return (ProtobufCBinaryData){view.size, (uint8_t *)(uintptr_t)view.bytes};
}

/* Set an optional text, unless there is nothing to say. */
static void
text_set(protobuf_c_boolean *has, ProtobufCBinaryData *data, struct chek_bytes_view text)
{
    *has = text.size != 0;
    *data = data_of(text);
}

/* ---- texts ------------------------------------------------------------------------------------ */

/* Room for a text in the arena; without any it is full at once. */
static struct chek_writer
text_begin(struct chek_arena *arena)
{
    uint8_t *bytes = chek_arena_take(arena, TEXT_SIZE);
    return chek_writer_over(bytes, bytes != NULL ? TEXT_SIZE : 0);
}

static void
text_put(struct chek_writer *text, const char *more)
{
    chek_writer_bytes(text, more, strlen(more));
}

static void
text_put_number(struct chek_writer *text, uint64_t number, unsigned digits_min)
{
    char digits[CHEK_DECIMAL_TEXT_MAX];
    chek_writer_bytes(text, digits, chek_decimal_write_u64(number, digits_min, digits));
}

/* What was put; nothing when it did not fit. */
static struct chek_bytes_view
text_end(const struct chek_writer *text)
{
    return text->full ? (struct chek_bytes_view){0} : chek_bytes_view_of(text->bytes, text->size);
}

static struct chek_bytes_view
number_text(struct chek_arena *arena, uint64_t number)
{
    struct chek_writer text = text_begin(arena);
    text_put_number(&text, number, 1);
    return text_end(&text);
}

/* What is known of the register; false when that cannot be read. */
static bool
profile_read(const struct chek_cpcr_ground *ground, struct chek_registered *ret)
{
    return chek_fiscal_registration(chek_partition_fiscal(ground->partition), ground->registration,
                                    ground->arena, ret) == CHEK_OK;
}

static struct chek_bytes_view
key_of(const struct chek_register *what, uint8_t kind)
{
    for (uint32_t i = 0; i < what->keys_count; i++) {
        if (what->keys[i].kind == kind) {
            return what->keys[i].value;
        }
    }
    return (struct chek_bytes_view){0};
}

/* ---- tickets ---------------------------------------------------------------------------------- */

/* R81: the address that the QR code on the paper stands for. */
static struct chek_bytes_view
qr_make(const struct chek_cpcr_ground *ground, const struct chek_device *device)
{
    struct chek_registered known;
    struct chek_civil_parts at = chek_civil_to_parts(device->last_time);
    if (!profile_read(ground, &known)) {
        return (struct chek_bytes_view){0};
    }
    char total[CHEK_DECIMAL_TEXT_MAX];
    struct chek_writer text = text_begin(ground->arena);
    text_put(&text, ground->qr_url);
    text_put(&text, "?i=");
    text_put_number(&text, device->last_sign, 1);
    text_put(&text, "&f=");
    chek_writer_view(&text, key_of(known.profile, CHEK_KEY_KIND_REGISTRATION_NUMBER));
    text_put(&text, "&s=");
    chek_writer_bytes(&text, total, chek_decimal_write(device->last_total, MONEY_DECIMALS, total));
    text_put(&text, "&t=");
    text_put_number(&text, (uint64_t)at.year, 4);
    text_put_number(&text, at.month, 2);
    text_put_number(&text, at.day, 2);
    text_put(&text, "T");
    text_put_number(&text, at.hour, 2);
    text_put_number(&text, at.minute, 2);
    text_put_number(&text, at.second, 2);
    return text_end(&text);
}

static Ingest__TicketResponse *
ticket_make(const struct chek_cpcr_ground *ground, const struct chek_device *device)
{
    Ingest__TicketResponse *ticket = chek_arena_take(ground->arena, sizeof *ticket);
    if (ticket == NULL) {
        return NULL;
    }
    ingest__ticket_response__init(ticket);
    text_set(&ticket->has_ticket_number, &ticket->ticket_number,
             number_text(ground->arena, device->last_sign));
    text_set(&ticket->has_qr_code, &ticket->qr_code, qr_make(ground, device));
    return ticket->has_ticket_number ? ticket : NULL;
}

/* ---- figures ---------------------------------------------------------------------------------- */

/* Which shift, and whether it is shown closed. */
struct wanted {
    uint32_t shift;
    uint32_t shift_empty; /* the number that an empty report gets when there is no such shift */
    bool closed;
};

static struct wanted
wanted_make(const struct chek_cpcr_exchange *exchange, const struct chek_fiscal_now *now,
            const struct chek_device *device)
{
    switch (exchange->command) {
    case INGEST__COMMAND_TYPE__COMMAND_CLOSE_SHIFT:
        return (struct wanted){device->last_shift, 0, true};
    case INGEST__COMMAND_TYPE__COMMAND_INFO: /* R68 */
        return (struct wanted){now->shift_open != 0 ? now->shift_open : now->shift_closed, 1,
                               now->shift_open == 0};
    default: /* R67 */
        return exchange->wants_x ? (struct wanted){now->shift_open, now->shift_last + 1, false}
                                 : (struct wanted){now->shift_closed, 0, true};
    }
}

/* The report of a shift; NOT_FOUND also for shift 0. */
static int
shift_report(const struct chek_cpcr_ground *ground, uint32_t shift, bool closed,
             struct chek_report *ret)
{
    struct chek_answer_report answer;
    if (shift == 0) {
        return CHEK_E_NOT_FOUND;
    }
    int error = chek_fiscal_report(chek_partition_fiscal(ground->partition), ground->registration,
                                   shift, UINT32_MAX, closed, ground->arena, &answer);
    if (error == CHEK_OK) {
        *ret = *answer.report;
    }
    return error;
}

/* R67: no shift is open: nothing happened in the next one, the drawer and the sums go on. */
static int
empty_make(const struct chek_cpcr_ground *ground, const struct chek_fiscal_now *now,
           const struct wanted *wanted, struct chek_report *ret)
{
    struct chek_report last = {0};
    int error = shift_report(ground, now->shift_closed, true, &last);
    *ret = (struct chek_report){.shift = wanted->shift_empty,
                                .cash = now->cash,
                                .start = last.now,
                                .start_count = last.now_count,
                                .now = last.now,
                                .now_count = last.now_count,
                                .last = last.last};
    return error == CHEK_E_NOT_FOUND ? CHEK_OK : error;
}

static int64_t
report_time(const struct chek_cpcr_ground *ground, const struct chek_cpcr_exchange *exchange,
            const struct chek_report *report)
{
    if (exchange->time != 0) {
        return exchange->time;
    }
    int64_t at = report->closed != 0 ? report->closed : report->last;
    return at != 0 ? at : ingest__cpcr_wall(ground);
}

Ingest__ReportResponse *
ingest__cpcr_figures(const struct chek_cpcr_ground *ground,
                     const struct chek_cpcr_exchange *exchange, const struct chek_device *device)
{
    const struct chek_fiscal *fiscal = chek_partition_fiscal(ground->partition);
    struct chek_fiscal_now now = {0};
    struct chek_report report;
    Ingest__ReportResponse *made = chek_arena_take(ground->arena, sizeof *made);
    if (made == NULL || chek_fiscal_now(fiscal, ground->registration, &now) != CHEK_OK) {
        return NULL;
    }
    struct wanted wanted = wanted_make(exchange, &now, device);
    int error = shift_report(ground, wanted.shift, wanted.closed, &report);
    if (error == CHEK_E_NOT_FOUND) {
        error = empty_make(ground, &now, &wanted, &report);
    }
    if (error != CHEK_OK) {
        return NULL;
    }
    ingest__report_response__init(made);
    made->has_report = 1;
    made->report = wanted.closed ? INGEST__REPORT_TYPE__REPORT_Z : INGEST__REPORT_TYPE__REPORT_X;
    made->zx_report = ingest__cpcr_zx(&report, wanted.closed ? &device->closed : &device->now,
                                      report_time(ground, exchange, &report), ground->arena);
    return made->zx_report != NULL ? made : NULL;
}

/* ---- service ---------------------------------------------------------------------------------- */

static Ingest__FullRegInfo *
reg_info_make(const struct chek_cpcr_ground *ground, const struct chek_device *device)
{
    struct reg_info {
        Ingest__FullRegInfo full;
        Ingest__KkmRegInfo kkm;
        Ingest__PosRegInfo pos;
        Ingest__OrgRegInfo org;
    } *made = chek_arena_take(ground->arena, sizeof *made);
    struct chek_registered known;
    if (made == NULL || !profile_read(ground, &known)) {
        return NULL;
    }
    const struct chek_register *what = known.profile;
    ingest__full_reg_info__init(&made->full);
    ingest__kkm_reg_info__init(&made->kkm);
    ingest__pos_reg_info__init(&made->pos);
    ingest__org_reg_info__init(&made->org);
    text_set(&made->kkm.has_fns_kkm_id, &made->kkm.fns_kkm_id,
             key_of(what, CHEK_KEY_KIND_REGISTRATION_NUMBER));
    text_set(&made->kkm.has_serial_number, &made->kkm.serial_number,
             key_of(what, CHEK_KEY_KIND_FACTORY_NUMBER));
    text_set(&made->kkm.has_kkm_id, &made->kkm.kkm_id,
             number_text(ground->arena, device->token.device));
    text_set(&made->pos.has_title, &made->pos.title,
             what->point_name.size != 0 ? what->point_name : what->point);
    text_set(&made->pos.has_address, &made->pos.address, what->address);
    text_set(&made->org.has_title, &made->org.title, what->organisation_name);
    text_set(&made->org.has_inn, &made->org.inn, what->organisation);
    made->full.kkm = &made->kkm;
    made->full.pos = &made->pos;
    made->full.org = &made->org;
    return &made->full;
}

static bool
advertisement_make(struct chek_arena *arena, const char *text, Ingest__ServiceResponse *to)
{
    struct advertisement {
        Ingest__TicketAd ad;
        Ingest__TicketAdInfo info;
        Ingest__TicketAd *list[1];
    } *made = chek_arena_take(arena, sizeof *made);
    if (made == NULL) {
        return false;
    }
    ingest__ticket_ad__init(&made->ad);
    ingest__ticket_ad_info__init(&made->info);
    made->info.has_type = made->info.has_version = 1;
    made->info.type = INGEST__TICKET_AD_TYPE__TICKET_AD_INFO;
    made->info.version = 1;
    made->ad.info = &made->info;
    text_set(&made->ad.has_text, &made->ad.text, chek_bytes_view_text(text));
    made->list[0] = &made->ad;
    to->ticket_ads = made->list;
    to->n_ticket_ads = 1;
    return true;
}

/* R69: what a device's documents are checked for, as registers are used to be told. */
static bool
policy_make(struct chek_arena *arena, uint32_t policy, Ingest__ServiceResponse *to)
{
    struct auxiliary {
        Ingest__KeyValuePair pair;
        Ingest__KeyValuePair *list[1];
    } *made = chek_arena_take(arena, sizeof *made);
    if (made == NULL) {
        return false;
    }
    ingest__key_value_pair__init(&made->pair);
    text_set(&made->pair.has_key, &made->pair.key, chek_bytes_view_text("validation_policy"));
    text_set(&made->pair.has_value, &made->pair.value, number_text(arena, policy));
    made->list[0] = &made->pair;
    to->auxiliary = made->list;
    to->n_auxiliary = 1;
    return true;
}

Ingest__ServiceResponse *
ingest__cpcr_service(const struct chek_cpcr_ground *ground, const struct chek_device *device,
                     bool is_blocked)
{
    Ingest__ServiceResponse *made = chek_arena_take(ground->arena, sizeof *made);
    Ingest__LastDocumentInfo *last = chek_arena_take(ground->arena, sizeof *last);
    if (made == NULL || last == NULL) {
        return NULL;
    }
    ingest__service_response__init(made);
    if (is_blocked) {
        return advertisement_make(ground->arena,
                                  "The register is blocked. Ask the operator of fiscal data.", made)
                   ? made
                   : NULL;
    }
    made->reg_info = reg_info_make(ground, device);
    if (device->has_last) {
        uint32_t number =
            chek_fiscal_number_last(chek_partition_fiscal(ground->partition), ground->registration);
        ingest__last_document_info__init(last);
        last->has_fr_shift_number = last->has_printed_document_number = 1;
        last->fr_shift_number = device->last_shift;
        last->printed_document_number = number != 0 ? number : device->documents;
        made->last_document_info = last;
    }
    return made->reg_info != NULL && policy_make(ground->arena, device->policy, made) ? made : NULL;
}

/* ---- nomenclature ----------------------------------------------------------------------------- */

/* What the register sells, or the part of it that was asked for. NULL: unreadable. (R99) */
static Ingest__NomenclatureResponse *
goods_make(const struct chek_cpcr_ground *ground, const struct chek_cpcr_exchange *exchange,
           const struct chek_device *device)
{
    struct chek_nomenclature_state state;
    struct chek_nomenclature held;
    struct chek_registered known;
    struct chek_fault fault;
    if (!profile_read(ground, &known)) {
        return NULL;
    }
    struct chek_nomenclature_whose stands = {.organisation = known.profile->organisation,
                                             .point = known.profile->point,
                                             .device = device->token.device};
    if (chek_partition_nomenclature_of(ground->partition, &stands, &state) != CHEK_OK) {
        return ingest__cpcr_goods_answer(&exchange->goods, NULL, ground->arena);
    }
    if (!exchange->goods.has_barcode && exchange->goods.version == state.version) {
        held = (struct chek_nomenclature){.version = state.version, .created = state.created};
        return ingest__cpcr_goods_answer(&exchange->goods, &held, ground->arena);
    }
    uint8_t *bytes = chek_arena_take(ground->arena, state.size);
    if (bytes == NULL) {
        return NULL;
    }
    chek_partition_nomenclature_read(ground->partition, &state, bytes);
    if (chek_nomenclature_decode_whole(bytes, state.size, ground->arena, &held, &fault) !=
        CHEK_OK) {
        return NULL;
    }
    held.version = state.version;
    held.created = state.created;
    return ingest__cpcr_goods_answer(&exchange->goods, &held, ground->arena);
}

/* ---- frames ----------------------------------------------------------------------------------- */

/* Fill in what the command is answered with. False: there is no memory for it. */
static bool
content_make(const struct chek_cpcr_ground *ground, const struct chek_cpcr_exchange *exchange,
             const struct chek_device *device, Ingest__Response *to)
{
    bool is_ok = exchange->fault.code == CHEK_CPCR_OK;
    if (exchange->is_blocked || (is_ok && exchange->wants_service)) {
        to->service = ingest__cpcr_service(ground, device, exchange->is_blocked);
        if (to->service == NULL) {
            return false;
        }
    }
    if (!is_ok) {
        return true;
    }
    switch (exchange->command) {
    case INGEST__COMMAND_TYPE__COMMAND_TICKET:
        to->ticket = ticket_make(ground, device);
        return to->ticket != NULL;
    case INGEST__COMMAND_TYPE__COMMAND_CLOSE_SHIFT:
    case INGEST__COMMAND_TYPE__COMMAND_REPORT:
    case INGEST__COMMAND_TYPE__COMMAND_INFO:
        to->report = ingest__cpcr_figures(ground, exchange, device);
        return to->report != NULL;
    case INGEST__COMMAND_TYPE__COMMAND_AUTH:
        to->auth = ingest__cpcr_auth_answer(&exchange->auth, ground->arena);
        return to->auth != NULL;
    case INGEST__COMMAND_TYPE__COMMAND_NOMENCLATURE:
        to->nomenclature = goods_make(ground, exchange, device);
        return to->nomenclature != NULL;
    default:
        return true;
    }
}

static void
frame_write(const struct chek_cpcr_exchange *exchange, uint32_t token, Ingest__Response *response,
            struct chek_writer *out)
{
    size_t size = ingest__response__get_packed_size(response);
    uint8_t *head = chek_writer_reserve(out, CHEK_CPCR_HEAD_SIZE);
    uint8_t *body = chek_writer_reserve(out, size);
    if (head == NULL || body == NULL) {
        return;
    }
    struct chek_cpcr_head answer = exchange->head;
    answer.size = (uint32_t)(CHEK_CPCR_HEAD_SIZE + size);
    answer.token = token;
    chek_cpcr_head_write(&answer, head);
    size_t written = ingest__response__pack(response, body);
    CHEK_ASSERT(written == size);
}

/* R25: a refusal gives back the token that came; anything else the one that is due. */
static uint32_t
token_of(const struct chek_cpcr_ground *ground, const struct chek_cpcr_exchange *exchange,
         const struct chek_device *device)
{
    return exchange->fault.code == CHEK_CPCR_OK ? chek_cpcr_token(ground->key, &device->token)
                                                : exchange->head.token;
}

void
chek_cpcr_answer(const struct chek_cpcr_ground *ground, const struct chek_cpcr_exchange *exchange,
                 struct chek_writer *out)
{
    struct chek_cpcr_exchange said = *exchange;
    struct chek_device device = {0};
    Ingest__Response response = INGEST__RESPONSE__INIT;
    Ingest__Result result = INGEST__RESULT__INIT;
    if (exchange->is_known) {
        int error = chek_partition_device(ground->partition, ground->registration, &device);
        CHEK_ASSERT(error == CHEK_OK); /* devices do not go */
    }
    response.has_command = 1;
    response.command = exchange->command;
    response.result = &result;
    result.has_result_code = 1;
    if (!content_make(ground, exchange, &device, &response)) {
        (void)chek_cpcr_refuse(&said.fault, CHEK_CPCR_SERVICE_TEMPORARILY_UNAVAILABLE, "request",
                               "what it is answered with cannot be read now");
        response.ticket = NULL;
        response.report = NULL;
        response.auth = NULL;
        response.nomenclature = NULL;
        response.service = NULL;
    }
    result.result_code = said.fault.code;
    const char *text = said.fault.code != CHEK_CPCR_OK ? said.fault.text
                       : said.auth.is_limited          ? "too many wrong passwords: try later"
                                                       : "";
    text_set(&result.has_result_text, &result.result_text, chek_bytes_view_text(text));
    frame_write(&said, token_of(ground, &said, &device), &response, out);
    CHEK_ASSERT(!out->full);
}
