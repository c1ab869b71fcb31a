/* SPDX-License-Identifier: MIT */
/*
 * kkm_register_answer.c - what a register does with an answer.
 */
#include "engine/base/assertion.h"
#include "tools/kkm/kkm_register.h"

#define HUNDRED_PERCENT 1000000

static void
tell(char into[CHEK_KKM_TOLD_SIZE], const struct chek_kkm_register *kkm, const char *text)
{
    if (into[0] == 0) {
        (void)snprintf(into, CHEK_KKM_TOLD_SIZE, "register %u, shift %u: %s", kkm->identity.device,
                       kkm->life.shift_number, text);
    }
}

static void
block(struct chek_kkm_register *kkm, struct chek_kkm_shared *shared)
{
    kkm->state = CHEK_KKM_REGISTER_BLOCKED;
    shared->counts.blocked += 1;
}

/* ---- answers that may not be ------------------------------------------------------------------ */

static void
wrong(const struct chek_kkm_register *kkm, struct chek_kkm_shared *shared, const char *text)
{
    shared->counts.wrong_answers += 1;
    tell(shared->counts.first_wrong_answer, kkm, text);
}

/* The same question is on the answer, or there is no telling what it answers. */
static const char *
head_finding(const struct chek_kkm_register *kkm, const struct chek_kkm_shared *shared)
{
    const struct chek_kkm_answer *answer = &shared->answer;
    enum chek_kkm_request_kind kind = kkm->is_pinging ? CHEK_KKM_REQUEST_SYSTEM : kkm->pending.kind;
    const struct chek_kkm_document *document =
        kkm->pending.is_recovery ? &kkm->last : &kkm->queue[kkm->queue_at];

    if (answer->head.version != shared->options->protocol) {
        return "the answer has another version";
    }
    if (answer->head.device != kkm->identity.device) {
        return "the answer has another device id";
    }
    if (answer->head.reqnum != (kkm->is_pinging ? kkm->reqnum : kkm->pending.reqnum)) {
        return "the answer has another request number";
    }
    if (answer->command != chek_kkm_request_command(kind, document)) {
        return "the answer has another command";
    }
    return NULL;
}

/* Tokens move with counted documents only. Of a report the server does not check the token, so one
 * that lost its own is told the right one. */
static const char *
token_finding(const struct chek_kkm_register *kkm, const struct chek_kkm_answer *answer)
{
    uint32_t sent = kkm->pending.token;
    bool is_report = !kkm->is_pinging && (kkm->pending.kind == CHEK_KKM_REQUEST_X ||
                                          kkm->pending.kind == CHEK_KKM_REQUEST_Z);
    if (answer->head.token == 0) {
        return "the token is 0";
    }
    if (answer->result != CHEK_KKM_RESULT_OK) {
        return answer->head.token != sent ? "a refusal changes the token" : NULL;
    }
    if (!kkm->is_pinging && kkm->pending.kind == CHEK_KKM_REQUEST_DOCUMENT) {
        return NULL;
    }
    if (is_report && kkm->is_token_old) {
        return NULL;
    }
    return answer->head.token != sent ? "a command that counts nothing changes the token" : NULL;
}

/* The four parameters by which a receipt is looked up, in the order that the law has them. */
static bool
is_qr_right(const struct chek_kkm_register *kkm, const struct chek_kkm_answer *answer,
            const struct chek_kkm_document *document)
{
    char want[128];
    struct chek_civil_parts at = chek_civil_to_parts(document->time_s);
    int64_t total = document->ticket.total;
    (void)snprintf(want, sizeof want, "i=%s&f=%s&s=%lld.%02d&t=%04d%02u%02uT%02u%02u%02u",
                   answer->number, kkm->identity.rnm, (long long)(total / 100), (int)(total % 100),
                   at.year, at.month, at.day, at.hour, at.minute, at.second);
    return answer->qr[0] == 0 || strstr(answer->qr, want) != NULL;
}

static const char *
ticket_finding(const struct chek_kkm_register *kkm, const struct chek_kkm_answer *answer,
               const struct chek_kkm_document *document)
{
    if (!answer->has_ticket) {
        return "the answer to a ticket has no ticket number";
    }
    if (kkm->pending.is_recovery) {
        return strcmp(answer->number, kkm->last_number) != 0
                   ? "the last ticket, sent again, has another number"
                   : NULL;
    }
    if (strcmp(answer->number, kkm->last_number) == 0) {
        return "two tickets have one number";
    }
    return is_qr_right(kkm, answer, document) ? NULL : "the QR code is not the ticket's";
}

/* ---- figures ---------------------------------------------------------------------------------- */

/* Compare a report with the own figures. */
static void
report_compare(const struct chek_kkm_register *kkm, struct chek_kkm_shared *shared, bool wants_z)
{
    const struct chek_kkm_answer *answer = &shared->answer;
    char first[CHEK_KKM_DIFFERENCE_SIZE];
    uint32_t count = 1;

    if (!answer->has_report) {
        (void)snprintf(first, sizeof first, "the answer has no report");
    } else if (answer->is_z != wants_z) {
        (void)snprintf(first, sizeof first, "the report is of the other type");
    } else if (answer->report_error != CHEK_OK) {
        (void)snprintf(first, sizeof first, "the report cannot be read: %s",
                       chek_error_text(answer->report_error));
    } else {
        count = chek_kkm_compare(&kkm->totals, &answer->report, first);
    }
    if (count != 0) {
        shared->counts.fields_different += count;
        tell(shared->counts.first_difference, kkm, first);
    }
    if (wants_z) {
        shared->counts.z_compared += 1;
        shared->counts.z_differences += count != 0 ? 1 : 0;
    } else {
        shared->counts.x_compared += 1;
        shared->counts.x_differences += count != 0 ? 1 : 0;
    }
}

/* Where the server says that the register stands is where it goes on. */
static void
adopt(struct chek_kkm_register *kkm, struct chek_kkm_shared *shared)
{
    const struct chek_kkm_answer *answer = &shared->answer;
    kkm->state = CHEK_KKM_REGISTER_WORKING;
    if (!answer->has_report || answer->report_error != CHEK_OK) {
        wrong(kkm, shared, "INFO has no report that can be read");
        block(kkm, shared);
        return;
    }
    const struct chek_kkm_totals *report = &answer->report;
    bool is_closed = answer->is_z && report->close_s != 0;
    uint32_t shift_number = report->shift_number + (is_closed ? 1 : 0);

    kkm->totals = *report;
    kkm->totals.shift_number = report->shift_number != 0 ? report->shift_number : 1;
    chek_kkm_life_resume(&kkm->life, shift_number != 0 ? shift_number : 1, report->cash_sum,
                         report->close_s > report->open_s ? report->close_s : report->open_s);
}

/* ---- documents -------------------------------------------------------------------------------- */

static void
queue_pop(struct chek_kkm_register *kkm)
{
    kkm->queue_at = (kkm->queue_at + 1) % CHEK_KKM_QUEUE_COUNT_MAX;
    kkm->queue_count -= 1;
    if (kkm->queue_count == 0) {
        kkm->lost_s = 0;
    }
}

/* A power cut before the new token is written down: the register has that of the document. */
static void
token_forget(struct chek_kkm_register *kkm, const struct chek_kkm_shared *shared)
{
    if (kkm->queue_count == 0 &&
        chek_prng_chance(&kkm->trouble, shared->options->forget_per_million)) {
        kkm->is_token_old = kkm->token != kkm->last_token;
        kkm->token = kkm->last_token;
        kkm->reqnum = kkm->last_reqnum;
    }
}

/* What happens while a queue goes out joins its end. */
static void
queue_grow(struct chek_kkm_register *kkm)
{
    if (kkm->queue_count != 0 && kkm->queue_count < CHEK_KKM_QUEUE_COUNT_MAX &&
        chek_prng_chance(&kkm->life.prng, HUNDRED_PERCENT / 4)) {
        kkm->life.offline_left = 1;
        kkm__queue_fill(kkm);
    }
}

/* The document at the head of the queue is the server's now. */
static void
document_accepted(struct chek_kkm_register *kkm, struct chek_kkm_shared *shared)
{
    struct chek_kkm_counts *counts = &shared->counts;
    const struct chek_kkm_document *document = &kkm->queue[kkm->queue_at];
    bool is_ticket = document->kind == CHEK_KKM_TICKET;

    if (kkm->totals.close_s != 0) {
        chek_kkm_totals_carry(&kkm->totals);
    }
    if (chek_kkm_totals_add(&kkm->totals, document) != CHEK_OK) {
        wrong(kkm, shared, "the register's own figures do not fit any more");
        block(kkm, shared);
        return;
    }
    counts->documents += 1;
    counts->tickets += is_ticket ? 1 : 0;
    counts->offline += document->is_offline ? 1 : 0;
    kkm->last = *document;
    kkm->has_last = true;
    kkm->was_recovered = false;
    kkm->last_token = kkm->pending.token;
    kkm->last_reqnum = kkm->pending.reqnum;
    kkm->last_lost_s = kkm->pending.lost_s;
    kkm->last_back_s = kkm->pending.back_s;
    if (is_ticket) {
        memcpy(kkm->last_number, shared->answer.number, sizeof kkm->last_number);
        if (!document->is_offline) {
            chek_kkm_life_acknowledged(&kkm->life, document, shared->answer.number);
        }
    } else if (document->kind == CHEK_KKM_CLOSE) {
        counts->shifts += 1;
        report_compare(kkm, shared, true);
    }
    queue_pop(kkm);
    token_forget(kkm, shared);
    queue_grow(kkm);
}

/* ---- questions -------------------------------------------------------------------------------- */

static void
told(struct chek_kkm_register *kkm, struct chek_kkm_shared *shared)
{
    const struct chek_kkm_question *question = &kkm->pending.question;
    const char *organisation = kkm->identity.organisation;
    bool is_auth = kkm->pending.kind == CHEK_KKM_REQUEST_AUTH;
    const char *finding =
        is_auth
            ? chek_kkm_auth_finding(shared->options, organisation, question, shared->answer.auth,
                                    &kkm->asker)
            : chek_kkm_nomenclature_finding(shared->options, question, shared->answer.nomenclature,
                                            &shared->request_arena, &kkm->asker);
    if (finding != NULL) {
        wrong(kkm, shared, finding);
        block(kkm, shared);
        return;
    }
    shared->counts.auths += is_auth ? 1 : 0;
    shared->counts.auths_denied += question->is_wrong ? 1 : 0;
    shared->counts.nomenclatures += is_auth ? 0 : 1;
}

static void
accepted(struct chek_kkm_register *kkm, struct chek_kkm_shared *shared)
{
    const struct chek_kkm_answer *answer = &shared->answer;
    struct chek_kkm_pending *pending = &kkm->pending;
    const struct chek_kkm_document *document =
        pending->is_recovery ? &kkm->last : &kkm->queue[kkm->queue_at];
    const char *finding = NULL;

    switch (pending->kind) {
    case CHEK_KKM_REQUEST_SYSTEM:
        break;
    case CHEK_KKM_REQUEST_INFO:
        adopt(kkm, shared);
        break;
    case CHEK_KKM_REQUEST_AUTH:
    case CHEK_KKM_REQUEST_NOMENCLATURE:
        told(kkm, shared);
        break;
    case CHEK_KKM_REQUEST_X:
    case CHEK_KKM_REQUEST_Z:
        report_compare(kkm, shared, pending->kind == CHEK_KKM_REQUEST_Z);
        break;
    default:
        if (document->kind == CHEK_KKM_TICKET) {
            finding = ticket_finding(kkm, answer, document);
        }
        kkm->token = answer->head.token;
        kkm->is_token_old = false;
        if (finding != NULL) {
            wrong(kkm, shared, finding);
        }
        if (pending->is_recovery) {
            kkm->must_recover = false;
        } else {
            document_accepted(kkm, shared);
        }
        break;
    }
    pending->is_there = false;
}

static void
refused(struct chek_kkm_register *kkm, struct chek_kkm_shared *shared)
{
    char text[CHEK_KKM_RESULT_TEXT_SIZE + 64];
    (void)snprintf(text, sizeof text, "command %u is refused with %u %s", shared->answer.command,
                   shared->answer.result, shared->answer.result_text);
    shared->counts.refused += 1;
    tell(shared->counts.first_refusal, kkm, text);
}

static void
dropped(struct chek_kkm_register *kkm)
{
    if (kkm->pending.kind == CHEK_KKM_REQUEST_DOCUMENT) {
        queue_pop(kkm);
        /* Only what is acknowledged is in the drawer, and nothing waits. */
        kkm->life.drawer = kkm->totals.cash_sum;
    }
    kkm->pending.is_there = false;
}

static bool
judge(struct chek_kkm_register *kkm, struct chek_kkm_shared *shared)
{
    struct chek_kkm_pending *pending = &kkm->pending;
    struct chek_kkm_asked asked = {
        .is_document = pending->kind == CHEK_KKM_REQUEST_DOCUMENT,
        .is_queued = kkm->lost_s != 0,
        .is_recovery = pending->is_recovery,
        .has_last = kkm->has_last,
        .was_recovered = kkm->was_recovered,
    };
    switch (chek_kkm_decide(shared->answer.result, &asked)) {
    case CHEK_KKM_ACCEPT:
        accepted(kkm, shared);
        return true;
    case CHEK_KKM_RETRY:
        return false;
    case CHEK_KKM_RECOVER:
        kkm->must_recover = kkm->was_recovered = true;
        pending->is_there = false;
        return true;
    case CHEK_KKM_RENUMBER:
        kkm->was_recovered = true;
        pending->is_there = false;
        return true;
    case CHEK_KKM_CLOSE_FIRST:
        chek_kkm_life_close(&kkm->life);
        refused(kkm, shared);
        dropped(kkm);
        return true;
    case CHEK_KKM_DROP:
        refused(kkm, shared);
        dropped(kkm);
        return true;
    default:
        refused(kkm, shared);
        block(kkm, shared);
        return true;
    }
}

bool
chek_kkm_register_answer(struct chek_kkm_register *kkm, struct chek_kkm_shared *shared,
                         struct chek_bytes_view bytes)
{
    int error = chek_kkm_answer_read(bytes, &shared->answer_arena, &shared->answer);
    const char *finding = error != CHEK_OK ? chek_error_text(error) : head_finding(kkm, shared);
    if (finding == NULL) {
        finding = token_finding(kkm, &shared->answer);
    }
    if (finding != NULL) {
        wrong(kkm, shared, finding);
        block(kkm, shared);
        return true;
    }
    if (kkm->is_pinging) {
        /* Whether the lost document was counted decides if the token is still good; its own retry
         * tells. */
        kkm->is_pinging = false;
        return true;
    }
    return judge(kkm, shared);
}
