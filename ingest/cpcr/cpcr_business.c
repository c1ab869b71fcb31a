/* SPDX-License-Identifier: MIT */
/*
 * cpcr_business.c - what a register may not do now. A document that was made offline is on paper
 * already and is kept whatever it says (R70); one that waited for the connection to come back, and was on its
 * way when it went, is in front of a queue that a refusal would hold up.
 */
#include "engine/base/civil.h"
#include "ingest/cpcr/cpcr_exchange.h"

#define ZONE_MINUTES 300                     /* R78: all of Kazakhstan */
#define OFFLINE_S_MAX (3 * CHEK_CIVIL_DAY_S) /* that the law allows */
#define CLOCK_S_MAX 300
#define VERSION_PARENT 203 /* since when there is a parent_ticket */
#define WARNING(NAME) (UINT32_C(1) << CHEK_WARNING_##NAME)

static uint32_t
shift_check(const struct chek_fiscal_now *now, const struct chek_device *device,
            const struct chek_receipt *receipt, struct chek_cpcr_fault *fault)
{
    bool is_of_open =
        now->shift_open != 0 && (receipt->shift == 0 || receipt->shift == now->shift_open);
    if (is_of_open && device->ticket_shift == now->shift_open &&
        receipt->time - device->ticket_time > CHEK_CIVIL_DAY_S) {
        return chek_cpcr_refuse(fault, CHEK_CPCR_OPEN_SHIFT_TIMEOUT_EXPIRED, "shift",
                                "its first ticket is more than 24 hours old");
    }
    return CHEK_CPCR_OK;
}

/* Cash that a document takes out of the drawer. */
static int64_t
cash_out(const struct chek_document *document)
{
    int64_t cash = 0;
    if (document->movement != NULL) {
        return document->movement->direction == CHEK_DIRECTION_WITHDRAWAL ? document->movement->sum
                                                                          : 0;
    }
    const struct chek_receipt *receipt = document->receipt;
    if (receipt == NULL || receipt->operation == CHEK_OPERATION_SELL ||
        receipt->operation == CHEK_OPERATION_BUY_RETURN) {
        return 0;
    }
    int64_t paid = 0;
    for (uint32_t i = 0; i < receipt->payments_count; i++) {
        paid += receipt->payments[i].sum;
        cash += receipt->payments[i].kind == CHEK_PAYMENT_KIND_CASH ? receipt->payments[i].sum : 0;
    }
    bool holds_change = paid == receipt->total + receipt->change;
    return holds_change ? cash - receipt->change : cash;
}

static uint32_t
customer_check(const struct chek_cpcr_ground *ground, const struct chek_cpcr_message *message,
               struct chek_cpcr_fault *fault)
{
    const Ingest__ExtensionOptions *options =
        message->request->ticket != NULL ? message->request->ticket->extension_options : NULL;
    struct chek_registered known;
    if (message->command != INGEST__COMMAND_TYPE__COMMAND_TICKET || options == NULL ||
        options->customer_iin_or_bin.len == 0) {
        return CHEK_CPCR_OK;
    }
    int error = chek_fiscal_registration(chek_partition_fiscal(ground->partition),
                                         ground->registration, ground->arena, &known);
    if (error == CHEK_OK &&
        chek_bytes_view_equal(known.profile->organisation,
                              ingest__cpcr_view(options->customer_iin_or_bin))) {
        return chek_cpcr_refuse(fault, CHEK_CPCR_SAME_TAXPAYER_AND_CUSTOMER, "customer_iin_or_bin",
                                "it is the seller's");
    }
    return CHEK_CPCR_OK;
}

/* R74: since 203 a return says what it returns. */
static uint32_t
fields_check(const struct chek_cpcr_message *message, const struct chek_document *document,
             struct chek_cpcr_fault *fault)
{
    const struct chek_receipt *receipt = document->receipt;
    bool is_return = receipt != NULL && (receipt->operation == CHEK_OPERATION_SELL_RETURN ||
                                         receipt->operation == CHEK_OPERATION_BUY_RETURN);
    const char *missing = message->missing;
    if (missing == NULL && is_return && receipt->parent == NULL &&
        message->version >= VERSION_PARENT) {
        missing = "parent_ticket";
    }
    return missing == NULL ? CHEK_CPCR_OK
                           : chek_cpcr_refuse(fault, CHEK_CPCR_BLOCKED, missing,
                                              "this version makes the field mandatory");
}

static int64_t
time_of(const struct chek_document *document)
{
    return document->receipt != NULL    ? document->receipt->time
           : document->movement != NULL ? document->movement->time
                                        : document->close->time;
}

/*
 * Whether a message says that its document had to wait: registers say on every message since when, and
 * until when, they were without connection, and online the two are one. What was made after the connection
 * had come back did not wait for it.
 */
static bool
has_waited(const struct chek_cpcr_message *message, int64_t time)
{
    const Ingest__ServiceRequest *service = message->request->service;
    const Ingest__OfflinePeriod *period = service != NULL ? service->offline_period : NULL;
    struct chek_cpcr_fault unused;
    int64_t begin;
    int64_t end;
    return period != NULL &&
           chek_cpcr_civil(period->begin_time, "begin_time", &begin, &unused) == CHEK_CPCR_OK &&
           chek_cpcr_civil(period->end_time, "end_time", &end, &unused) == CHEK_CPCR_OK &&
           begin != end && time <= end;
}

uint32_t
ingest__cpcr_allow(const struct chek_cpcr_ground *ground, const struct chek_device *device,
                   const struct chek_cpcr_message *message, const struct chek_document *document,
                   struct chek_cpcr_fault *fault)
{
    struct chek_fiscal_now now = {0};
    uint32_t code = CHEK_CPCR_OK;
    int error =
        chek_fiscal_now(chek_partition_fiscal(ground->partition), ground->registration, &now);
    if (error != CHEK_OK || chek_cpcr_is_offline(message) ||
        has_waited(message, time_of(document))) {
        return CHEK_CPCR_OK;
    }
    if ((device->policy & CHEK_CPCR_POLICY_FIELDS) != 0) {
        code = fields_check(message, document, fault);
    }
    if (code == CHEK_CPCR_OK && (device->policy & CHEK_CPCR_POLICY_CUSTOMER) != 0) {
        code = customer_check(ground, message, fault);
    }
    if (code == CHEK_CPCR_OK && (device->policy & CHEK_CPCR_POLICY_SHIFT) != 0 &&
        document->receipt != NULL) {
        code = shift_check(&now, device, document->receipt, fault);
    }
    if (code == CHEK_CPCR_OK && (device->policy & CHEK_CPCR_POLICY_CASH) != 0 &&
        cash_out(document) > 0 && cash_out(document) > now.cash) {
        code = chek_cpcr_refuse(fault, CHEK_CPCR_NOT_ENOUGH_CASH, "cash",
                                "there is less in the drawer");
    }
    return code;
}

/* ---- clocks ----------------------------------------------------------------------------------- */

int64_t
ingest__cpcr_wall(const struct chek_cpcr_ground *ground)
{
    struct chek_fiscal_now now = {0};
    int64_t minutes = ZONE_MINUTES;
    int error =
        chek_fiscal_now(chek_partition_fiscal(ground->partition), ground->registration, &now);
    if (error == CHEK_OK && now.zone_minutes != 0) {
        minutes = now.zone_minutes;
    }
    return (int64_t)(chek_io_wall_us(ground->io) / 1000000) + minutes * 60;
}

uint32_t
ingest__cpcr_late(const struct chek_cpcr_ground *ground, const struct chek_cpcr_message *message,
                  int64_t time)
{
    int64_t age = ingest__cpcr_wall(ground) - time;
    bool may_be_old = chek_cpcr_is_offline(message) || has_waited(message, time);
    if (age < -CLOCK_S_MAX || (age > CLOCK_S_MAX && !may_be_old)) {
        return WARNING(CLOCK_DIFFERS);
    }
    return age > OFFLINE_S_MAX ? WARNING(OFFLINE_LONG) : 0;
}
