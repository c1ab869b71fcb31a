/* SPDX-License-Identifier: MIT */
#include "tools/kkm/kkm_message.h"

#include "engine/base/assertion.h"
#include "tools/kkm/kkm_build.h"
#include "tools/kkm/kkm_packet.h"
#include "tools/kkm/kkm_ticket_message.h"

#define TEXT(literal) \
    (char[])          \
    {                 \
        literal       \
    }

/* The service block that real registers send with everything. */
static Kkm__ServiceRequest *
service_make(struct chek_arena *arena, const struct chek_kkm_request *request)
{
    const struct chek_kkm_identity *identity = request->identity;
    Kkm__ServiceRequest *service = KKM__NEW(arena, Kkm__ServiceRequest, kkm__service_request);
    Kkm__GeoPosition *place = KKM__NEW(arena, Kkm__GeoPosition, kkm__geo_position);
    Kkm__OfflinePeriod *lost = KKM__NEW(arena, Kkm__OfflinePeriod, kkm__offline_period);
    Kkm__KkmRegInfo *kkm = KKM__NEW(arena, Kkm__KkmRegInfo, kkm__kkm_reg_info);
    Kkm__OrgRegInfo *org = KKM__NEW(arena, Kkm__OrgRegInfo, kkm__org_reg_info);

    service->security_stats = KKM__NEW(arena, Kkm__SecurityStats, kkm__security_stats);
    service->security_stats->geo_position = place;
    service->security_stats->os_version = kkm__copy_text(arena, "1.0");
    place->latitude = 432156;
    place->longitude = 765432;
    if (request->version >= 203) {
        place->source = kkm__copy_text(arena, "CELL");
        org->address_kz = kkm__copy_text(arena, "Алматы қ., Абай даңғылы, 1");
    }
    service->offline_period = lost;
    lost->begin_time = kkm__time_make(arena, request->lost_s);
    lost->end_time = kkm__time_make(arena, request->back_s);

    service->reg_info = KKM__NEW(arena, Kkm__RegInfo, kkm__reg_info);
    service->reg_info->kkm = kkm;
    kkm->point_of_payment_number = kkm__copy_text(arena, identity->point);
    kkm->fns_kkm_id = kkm__copy_text(arena, identity->rnm);
    kkm->serial_number = kkm__copy_text(arena, identity->factory);
    kkm->kkm_id = kkm__copy_text(arena, identity->device_text);
    service->reg_info->org = org;
    org->title = kkm__copy_text(arena, "ТОО Пример");
    org->address = kkm__copy_text(arena, "г. Алматы, пр. Абая, 1");
    org->inn = kkm__copy_text(arena, identity->organisation);
    org->okved = kkm__copy_text(arena, "47110");
    return service;
}

static Kkm__CloseShiftRequest *
close_make(struct chek_arena *arena, const struct chek_kkm_request *request)
{
    const struct chek_kkm_document *document = request->document;
    Kkm__CloseShiftRequest *close =
        KKM__NEW(arena, Kkm__CloseShiftRequest, kkm__close_shift_request);
    close->close_time = kkm__time_make(arena, document->time_s);
    close->has_is_offline = 1;
    close->is_offline = document->is_offline;
    close->has_fr_shift_number = 1;
    close->fr_shift_number = document->shift_number;
    close->has_withdraw_money = 1;
    close->withdraw_money = document->withdraws;
    close->operator_ = kkm__operator_make(arena, document->cashier);
    close->has_printed_document_number = request->version < 203;
    close->printed_document_number = document->number;
    if (request->totals != NULL) {
        close->z_report = kkm__zx_make(arena, request->totals, document->time_s,
                                       request->identity->device % 2 != 0);
    }
    return close;
}

static Kkm__MoneyPlacementRequest *
placement_make(struct chek_arena *arena, const struct chek_kkm_request *request)
{
    const struct chek_kkm_document *document = request->document;
    Kkm__MoneyPlacementRequest *placement =
        KKM__NEW(arena, Kkm__MoneyPlacementRequest, kkm__money_placement_request);
    placement->datetime = kkm__time_make(arena, document->time_s);
    placement->operation = (Kkm__MoneyPlacementEnum)(document->placement.is_withdrawal ? 1 : 0);
    placement->sum = kkm__money_make(arena, document->placement.sum);
    placement->has_is_offline = 1;
    placement->is_offline = document->is_offline;
    placement->has_fr_shift_number = 1;
    placement->fr_shift_number = document->shift_number;
    placement->has_printed_document_number = request->version < 203;
    placement->printed_document_number = document->number;
    placement->operator_ = kkm__operator_make(arena, document->cashier);
    return placement;
}

static Kkm__ReportRequest *
report_make(struct chek_arena *arena, const struct chek_kkm_request *request)
{
    Kkm__ReportRequest *report = KKM__NEW(arena, Kkm__ReportRequest, kkm__report_request);
    report->report = (Kkm__ReportTypeEnum)(request->kind == CHEK_KKM_REQUEST_X
                                               ? KKM__REPORT_TYPE_ENUM__REPORT_X
                                               : KKM__REPORT_TYPE_ENUM__REPORT_Z);
    report->date_time = kkm__time_make(arena, request->now_s);
    report->has_is_offline = 1;
    if (request->totals != NULL) {
        report->zx_report = kkm__zx_make(arena, request->totals, request->now_s,
                                         request->identity->device % 2 != 0);
    }
    return report;
}

static Kkm__AuthRequest *
auth_make(struct chek_arena *arena, const struct chek_kkm_question *question)
{
    Kkm__AuthRequest *auth = KKM__NEW(arena, Kkm__AuthRequest, kkm__auth_request);
    auth->login = kkm__copy_text(arena, question->login);
    auth->password = kkm__copy_text(arena, question->password);
    return auth;
}

static Kkm__NomenclatureRequest *
nomenclature_make(struct chek_arena *arena, const struct chek_kkm_question *question)
{
    Kkm__NomenclatureRequest *list =
        KKM__NEW(arena, Kkm__NomenclatureRequest, kkm__nomenclature_request);
    list->current_version = question->version;
    if (question->barcode[0] != 0) {
        list->barcode = kkm__copy_text(arena, question->barcode);
    }
    return list;
}

static void
document_make(struct chek_arena *arena, const struct chek_kkm_request *request,
              Kkm__Request *message)
{
    switch (request->document->kind) {
    case CHEK_KKM_TICKET:
        message->ticket = kkm__ticket_message_make(arena, request);
        break;
    case CHEK_KKM_PLACEMENT:
        message->money_placement = placement_make(arena, request);
        break;
    default:
        message->close_shift = close_make(arena, request);
        break;
    }
}

uint32_t
chek_kkm_request_command(enum chek_kkm_request_kind kind, const struct chek_kkm_document *document)
{
    switch (kind) {
    case CHEK_KKM_REQUEST_SYSTEM:
        return KKM__COMMAND_TYPE_ENUM__COMMAND_SYSTEM;
    case CHEK_KKM_REQUEST_INFO:
        return KKM__COMMAND_TYPE_ENUM__COMMAND_INFO;
    case CHEK_KKM_REQUEST_X:
    case CHEK_KKM_REQUEST_Z:
        return KKM__COMMAND_TYPE_ENUM__COMMAND_REPORT;
    case CHEK_KKM_REQUEST_AUTH:
        return KKM__COMMAND_TYPE_ENUM__COMMAND_AUTH;
    case CHEK_KKM_REQUEST_NOMENCLATURE:
        return KKM__COMMAND_TYPE_ENUM__COMMAND_NOMENCLATURE;
    default:
        break;
    }
    switch (document->kind) {
    case CHEK_KKM_TICKET:
        return KKM__COMMAND_TYPE_ENUM__COMMAND_TICKET;
    case CHEK_KKM_PLACEMENT:
        return KKM__COMMAND_TYPE_ENUM__COMMAND_MONEY_PLACEMENT;
    default:
        return KKM__COMMAND_TYPE_ENUM__COMMAND_CLOSE_SHIFT;
    }
}

size_t
chek_kkm_request_write(const struct chek_kkm_request *request, struct chek_arena *scratch,
                       uint8_t into[CHEK_KKM_REQUEST_SIZE_MAX])
{
    chek_arena_reset(scratch);
    Kkm__Request *message = KKM__NEW(scratch, Kkm__Request, kkm__request);
    message->command =
        (Kkm__CommandTypeEnum)chek_kkm_request_command(request->kind, request->document);
    message->service = service_make(scratch, request);
    if (request->kind == CHEK_KKM_REQUEST_DOCUMENT) {
        document_make(scratch, request, message);
    } else if (request->kind == CHEK_KKM_REQUEST_X || request->kind == CHEK_KKM_REQUEST_Z) {
        message->report = report_make(scratch, request);
    } else if (request->kind == CHEK_KKM_REQUEST_AUTH) {
        message->auth = auth_make(scratch, request->question);
    } else if (request->kind == CHEK_KKM_REQUEST_NOMENCLATURE) {
        message->nomenclature = nomenclature_make(scratch, request->question);
    } else {
        message->service->has_get_reg_info = 1;
        message->service->get_reg_info = request->kind == CHEK_KKM_REQUEST_INFO;
    }
    size_t size = CHEK_KKM_HEAD_SIZE + kkm__request__get_packed_size(message);
    CHEK_ASSERT(size <= CHEK_KKM_REQUEST_SIZE_MAX);
    struct chek_kkm_head head = {
        .version = request->version,
        .reqnum = request->reqnum,
        .size = (uint32_t)size,
        .device = request->identity->device,
        .token = request->token,
    };
    chek_kkm_head_write(&head, into);
    size_t written = kkm__request__pack(message, into + CHEK_KKM_HEAD_SIZE);
    CHEK_ASSERT(written + CHEK_KKM_HEAD_SIZE == size);
    return size;
}
