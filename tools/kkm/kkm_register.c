/* SPDX-License-Identifier: MIT */
#include "tools/kkm/kkm_register.h"

#include "engine/base/assertion.h"

#define READ_CUT_MAX 600 /* bytes of an answer; most have fewer */
#define HUNDRED_PERCENT 1000000

int
chek_kkm_shared_init(struct chek_kkm_shared *shared, const struct chek_kkm_options *options)
{
    *shared = (struct chek_kkm_shared){.options = options};
    int error = chek_arena_init(&shared->request_arena, CHEK_KKM_ARENA_SIZE);
    if (error != CHEK_OK) {
        return error;
    }
    error = chek_arena_init(&shared->answer_arena, CHEK_KKM_ANSWER_ARENA_SIZE);
    if (error != CHEK_OK) {
        chek_arena_finish(&shared->request_arena);
    }
    return error;
}

void
chek_kkm_shared_finish(struct chek_kkm_shared *shared)
{
    chek_arena_finish(&shared->answer_arena);
    chek_arena_finish(&shared->request_arena);
}

void
chek_kkm_register_init(struct chek_kkm_register *kkm, const struct chek_kkm_options *options,
                       uint32_t index)
{
    *kkm = (struct chek_kkm_register){.identity = chek_kkm_identity_of(options, index)};
    uint64_t device = kkm->identity.device;
    kkm->token = kkm->identity.token;
    chek_kkm_asker_init(&kkm->asker, options, kkm->identity.device);
    chek_kkm_life_init(&kkm->life, &options->life, options->seed ^ device << 20);
    chek_prng_init(&kkm->trouble, ~options->seed ^ device << 20);
    /* Some registers are old: their 16-bit request number begins anew on the way. */
    kkm->reqnum = (uint16_t)(chek_prng_below(&kkm->trouble, 8) == 0 ? 65530 : 0);
}

/* ---- what is next ----------------------------------------------------------------------------- */

static void
queue_push(struct chek_kkm_register *kkm, const struct chek_kkm_document *document)
{
    CHEK_ASSERT(kkm->queue_count < CHEK_KKM_QUEUE_COUNT_MAX);
    kkm->queue[(kkm->queue_at + kkm->queue_count) % CHEK_KKM_QUEUE_COUNT_MAX] = *document;
    kkm->queue_count += 1;
}

void
kkm__queue_fill(struct chek_kkm_register *kkm)
{
    struct chek_kkm_document document;
    while (kkm->life.offline_left != 0 && kkm->queue_count < CHEK_KKM_QUEUE_COUNT_MAX) {
        enum chek_kkm_step step = chek_kkm_life_next(&kkm->life, &document);
        if (step == CHEK_KKM_STEP_END) {
            kkm->life.offline_left = 0;
        } else if (step == CHEK_KKM_STEP_DOCUMENT) {
            queue_push(kkm, &document);
        }
    }
}

/* The next number; half of all registers leave 0 out. */
static uint16_t
reqnum_next(struct chek_kkm_register *kkm)
{
    kkm->reqnum = (uint16_t)(kkm->reqnum + 1);
    if (kkm->reqnum == 0 && kkm->identity.device % 2 != 0) {
        kkm->reqnum = 1;
    }
    return kkm->reqnum;
}

static void
pending_begin(struct chek_kkm_register *kkm, enum chek_kkm_request_kind kind)
{
    int64_t now_s = kkm->life.now_s;
    kkm->pending = (struct chek_kkm_pending){
        .is_there = true,
        .kind = kind,
        .reqnum = reqnum_next(kkm),
        .token = kkm->token,
        .now_s = now_s,
        .lost_s = kkm->lost_s != 0 ? kkm->lost_s : now_s,
        .back_s = now_s,
    };
}

static void
pending_recover(struct chek_kkm_register *kkm)
{
    CHEK_ASSERT(kkm->has_last);
    kkm->pending = (struct chek_kkm_pending){
        .is_there = true,
        .is_recovery = true,
        .kind = CHEK_KKM_REQUEST_DOCUMENT,
        .reqnum = kkm->last_reqnum,
        .token = kkm->last_token,
        .now_s = kkm->last.time_s,
        .lost_s = kkm->last_lost_s,
        .back_s = kkm->last_back_s,
    };
}

/* Nothing waits: see what happens next at the register. */
static void
live(struct chek_kkm_register *kkm, struct chek_kkm_shared *shared)
{
    struct chek_kkm_document document;
    switch (chek_kkm_life_next(&kkm->life, &document)) {
    case CHEK_KKM_STEP_X:
        pending_begin(kkm, CHEK_KKM_REQUEST_X);
        break;
    case CHEK_KKM_STEP_Z:
        pending_begin(kkm, CHEK_KKM_REQUEST_Z);
        break;
    case CHEK_KKM_STEP_END:
        kkm->state = CHEK_KKM_REGISTER_FINISHED;
        shared->counts.finished += 1;
        break;
    default:
        queue_push(kkm, &document);
        if (!document.is_offline) {
            kkm->must_break = kkm->life.breaks;
            pending_begin(kkm, CHEK_KKM_REQUEST_DOCUMENT);
            break;
        }
        /* The loss was noticed between two exchanges, so the first thing said is SYSTEM. */
        kkm->lost_s = document.time_s;
        kkm__queue_fill(kkm);
        pending_begin(kkm, CHEK_KKM_REQUEST_SYSTEM);
        break;
    }
}

/* Between two things that happen a register may ask something. */
static bool
ask(struct chek_kkm_register *kkm, const struct chek_kkm_shared *shared)
{
    struct chek_kkm_question question;
    enum chek_kkm_asks asks =
        chek_kkm_question_draw(&kkm->asker, shared->options, kkm->identity.organisation, &question);
    if (asks == CHEK_KKM_ASKS_NOTHING) {
        return false;
    }
    pending_begin(kkm, asks == CHEK_KKM_ASKS_AUTH ? CHEK_KKM_REQUEST_AUTH
                                                  : CHEK_KKM_REQUEST_NOMENCLATURE);
    kkm->pending.question = question;
    return true;
}

static void
plan(struct chek_kkm_register *kkm, struct chek_kkm_shared *shared)
{
    if (kkm->state == CHEK_KKM_REGISTER_FRESH) {
        pending_begin(kkm, CHEK_KKM_REQUEST_INFO);
    } else if (kkm->must_recover) {
        pending_recover(kkm);
        shared->counts.recoveries += 1;
    } else if (kkm->queue_count != 0) {
        pending_begin(kkm, CHEK_KKM_REQUEST_DOCUMENT);
    } else if (!ask(kkm, shared)) {
        live(kkm, shared);
    }
}

/* Own figures beside a report; beside a close, what they will be with it. */
static const struct chek_kkm_totals *
figures(const struct chek_kkm_register *kkm, struct chek_kkm_shared *shared,
        const struct chek_kkm_request *request)
{
    if (request->kind == CHEK_KKM_REQUEST_X || request->kind == CHEK_KKM_REQUEST_Z) {
        return &kkm->totals;
    }
    if (request->kind != CHEK_KKM_REQUEST_DOCUMENT || request->document->kind != CHEK_KKM_CLOSE) {
        return NULL;
    }
    if (kkm->pending.is_recovery) {
        return &kkm->totals; /* nothing has been counted since that close */
    }
    shared->totals = kkm->totals;
    if (shared->totals.close_s != 0) {
        chek_kkm_totals_carry(&shared->totals);
    }
    int error = chek_kkm_totals_add(&shared->totals, request->document);
    return error == CHEK_OK ? &shared->totals : NULL;
}

bool
chek_kkm_register_plans(struct chek_kkm_register *kkm, struct chek_kkm_shared *shared)
{
    if (!kkm->pending.is_there && kkm->state <= CHEK_KKM_REGISTER_WORKING) {
        plan(kkm, shared);
    }
    return kkm->state <= CHEK_KKM_REGISTER_WORKING;
}

size_t
chek_kkm_register_request(struct chek_kkm_register *kkm, struct chek_kkm_shared *shared,
                          uint8_t into[CHEK_KKM_REQUEST_SIZE_MAX])
{
    if (!chek_kkm_register_plans(kkm, shared)) {
        return 0;
    }
    struct chek_kkm_pending *pending = &kkm->pending;
    struct chek_kkm_request request = {
        .kind = pending->kind,
        .version = shared->options->protocol,
        .reqnum = pending->reqnum,
        .token = pending->token,
        .identity = &kkm->identity,
        .document = pending->is_recovery ? &kkm->last : &kkm->queue[kkm->queue_at],
        .question = &pending->question,
        .now_s = pending->now_s,
        .lost_s = pending->lost_s,
        .back_s = pending->back_s,
    };
    kkm->is_pinging = kkm->pings_first;
    if (kkm->pings_first) {
        kkm->pings_first = false;
        request.kind = CHEK_KKM_REQUEST_SYSTEM;
        request.reqnum = reqnum_next(kkm);
        shared->counts.pings += 1;
    } else {
        shared->counts.retries += pending->attempt_count != 0 ? 1 : 0;
        pending->attempt_count += 1;
    }
    request.totals = figures(kkm, shared, &request);
    shared->counts.requests += 1;
    return chek_kkm_request_write(&request, &shared->request_arena, into);
}

/* ---- connections that break ------------------------------------------------------------------- */

struct chek_kkm_cut
chek_kkm_register_cut(struct chek_kkm_register *kkm, struct chek_kkm_shared *shared, size_t size)
{
    struct chek_prng *prng = &kkm->trouble;
    bool must = kkm->must_break && !kkm->is_pinging;
    if (!must && !chek_prng_chance(prng, shared->options->cut_per_million)) {
        return (struct chek_kkm_cut){.kind = CHEK_KKM_CUT_NOT};
    }
    struct chek_kkm_cut cut = {
        .kind = (enum chek_kkm_cut_kind)(CHEK_KKM_CUT_SENDING + chek_prng_below(prng, 3)),
        .is_reset = chek_prng_chance(prng, HUNDRED_PERCENT / 2),
    };
    if (cut.kind == CHEK_KKM_CUT_SENDING) {
        cut.at = (uint32_t)chek_prng_below(prng, size);
    } else if (cut.kind == CHEK_KKM_CUT_READING) {
        cut.at = (uint32_t)chek_prng_below(prng, must ? CHEK_KKM_HEAD_SIZE : READ_CUT_MAX);
    }
    kkm->must_break = kkm->must_break && !must;
    shared->counts.cuts += 1;
    return cut;
}

void
chek_kkm_register_broken(struct chek_kkm_register *kkm, const struct chek_kkm_shared *shared)
{
    kkm->is_pinging = false;
    if (!kkm->pending.is_there) {
        return;
    }
    chek_kkm_question_broken(shared->options, kkm->identity.organisation, &kkm->pending.question);
    kkm->must_break = false;
    if (kkm->life.offline_left != 0) {
        /* The connection stays away for a while, and the register works on without. */
        kkm->lost_s = kkm->pending.now_s;
        kkm__queue_fill(kkm);
        return;
    }
    bool is_document = kkm->pending.kind == CHEK_KKM_REQUEST_DOCUMENT;
    kkm->pings_first = is_document && chek_prng_chance(&kkm->trouble, HUNDRED_PERCENT / 4);
}
