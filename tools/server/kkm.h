/* SPDX-License-Identifier: MIT */
/*
 * kkm.h - jobs for one register: a request of its own, or what an administrator wants of it.
 *
 * A job is made where the asker is connected, travels to the shard that owns the register, may go
 * through the log there, and comes back with the answer. A register has one job at work at a time;
 * others wait for it in the order in which they came (ingest/CPCR.md R26).
 *
 *   Threads  a job belongs to the shard that has it; its asker to the origin
 */
#ifndef CHEK_SERVER_KKM_H
#define CHEK_SERVER_KKM_H

#include "ingest/cpcr/cpcr_exchange.h"
#include "tools/server/shard.h"

struct server__cpcr;
struct server__cpcr_connection;

enum server__job_kind {
    SERVER_JOB_EXCHANGE,         /* a frame of a register; the answer is a frame */
    SERVER_JOB_ADD,              /* the body of command_register in `frame` */
    SERVER_JOB_CHANGE,           /* reset, block, unblock */
    SERVER_JOB_ASK,              /* a kkm_device in the answer */
    SERVER_JOB_OPERATOR,         /* the body of command_operator in `frame` */
    SERVER_JOB_OPERATORS,        /* operators in the answer; */
    SERVER_JOB_NOMENCLATURE,     /* the body of the command in `frame`; its version in the answer */
    SERVER_JOB_NOMENCLATURE_ASK, /* all of it in the answer; of `organisation`, these four, */
    SERVER_JOB_NOMENCLATURES,    /* and these two of `point` or `device`; those that there are */
    SERVER_JOB_ERASE,            /* the body of the command in `frame`; an erasure in the answer */
};

struct server__job {
    struct chek_message message;
    struct chek_list link; /* free, or waiting at its owner */
    uint16_t origin;
    uint16_t partition; /* 0: the register is not known, and the origin answers */
    uint32_t registration;
    uint8_t kind;
    bool again;         /* an exchange that was a conflict (R76) */
    bool is_counted;    /* an exchange that was applied: only the answer is left to do */
    bool had_rows_read; /* rows were not in memory: those that are now stay until it is through */
    bool is_unbounded;  /* SERVER_JOB_ERASE: its asker sees all there is */
    bool registered;    /* SERVER_JOB_ADD: the register is in the log */
    int error;          /* of all kinds but an exchange */
    uint32_t token;     /* SERVER_JOB_ADD: wanted, 0 = any; then the one that is due */
    uint32_t device, policy;
    uint8_t change; /* enum chek_device_change */
    uint8_t organisation_size, point_size;
    uint8_t organisation[32];
    uint8_t point[64];
    struct server__cpcr_connection *connection; /* who asked; NULL when it went away */
    struct chek_request *request;               /* or this */
    struct chek_cpcr_exchange exchange;
    uint8_t *frame; /* CHEK_CPCR_FRAME_SIZE_MAX */
    size_t frame_size;
    uint8_t *answer; /* CHEK_CPCR_ANSWER_SIZE_MAX */
    size_t answer_size;
};

/* kkm_job.c */
CHEK_MUST_USE int server__jobs_init(struct server__shard *shard);
void server__jobs_finish(struct server__shard *shard);
/* A free job; NULL: too many under way. */
struct server__job *server__job_take(struct server__shard *shard, uint8_t kind);
void server__job_give(struct server__shard *shard, struct server__job *job);
/* Send a job to the owner of its register. The answer may come inside this call. */
void server__job_submit(struct server__shard *shard, struct server__job *job);
void server__jobs_run(struct server__shard *shard);
/*
 * Go on with a job whose rows were read, or cannot be (an error). False: it needs others, which
 * shard->cold tells.
 */
CHEK_MUST_USE bool server__job_again(struct server__shard *shard, struct server__job *job,
                                     int error);
void server__job_applied(struct server__shard *shard, struct server__job *job,
                         const struct chek_outcome *outcome);
void server__job_message(struct server__shard *shard, struct chek_message *message);

/* cold_flow.c: read what `shard->cold` wishes for, then server__job_again() until it is through */
void server__job_fetch(struct server__shard *shard, struct server__job *job);

/* kkm_admin.c */
void server__kkm_add(void *context, struct chek_request *request, struct chek_bytes_view body);
void server__kkm_add_on_abandon(void *context, struct chek_request *request);
void server__kkm_change(void *context, struct chek_request *request, struct chek_bytes_view body);
void server__ask_kkm(void *context, struct chek_request *request, struct chek_bytes_view body);
void server__job_on_abandon(void *context, struct chek_request *request);
/* On the owner: note what is told when a change was applied. Errors: those of what it tells. */
CHEK_MUST_USE int server__job_tell(struct server__shard *shard, struct server__job *job);
void server__job_answer(struct server__shard *shard, struct server__job *job);
/* The registration of a device among what the asker sees, and its home. Errors: NOT_FOUND. */
CHEK_MUST_USE int server__device_find(struct server__shard *shard,
                                      const struct chek_request *request, uint32_t device,
                                      uint32_t *ret_registration, struct chek_home *ret_home);
/* Send a job for a request that nothing works for yet. */
void server__job_ask(struct server__shard *shard, struct chek_request *request,
                     struct server__job *job);

/* operator_admin.c */
void server__operator_set(void *context, struct chek_request *request, struct chek_bytes_view body);
void server__ask_operators(void *context, struct chek_request *request,
                           struct chek_bytes_view body);
void server__operators_list(struct server__shard *shard, struct server__job *job);
/* What a request is about: a register, or a point, or all of an organisation. */
struct server__whose {
    struct chek_bytes_view organisation, point;
    uint32_t device, registration; /* 0: no single register */
    uint16_t partition;
};
/*
 * Find what the asker means by `ret->organisation`, `point` and `device`, and fill in the rest. Of a register
 * the organisation is found, and is not said.
 *
 *   Errors  FIELD_MISSING, RANGE (a register and something else), NOT_FOUND, PERMISSION: the asker
 *           does not see all of it; *ret is spoilt
 */
CHEK_MUST_USE int server__whose_find(struct server__shard *shard, struct chek_request *request,
                                     struct server__whose *ret);
/* Note it in the job. */
void server__whose_set(const struct server__whose *whose, struct server__job *job);

/* nomenclature_admin.c */
void server__nomenclature_load(void *context, struct chek_request *request,
                               struct chek_bytes_view body);
void server__ask_nomenclature(void *context, struct chek_request *request,
                              struct chek_bytes_view body);
void server__ask_nomenclatures(void *context, struct chek_request *request,
                               struct chek_bytes_view body);
void server__nomenclatures_list(struct server__shard *shard, struct server__job *job);
/* Write the answer: version and time, or all of it. Errors: NOT_FOUND, CORRUPT and the like. */
CHEK_MUST_USE int server__nomenclature_told(struct server__shard *shard, struct server__job *job,
                                            bool is_whole);

/* person_admin.c */
void server__person_erase(void *context, struct chek_request *request, struct chek_bytes_view body);
/* Errors: NOT_FOUND the subject of the command in `frame` is another organisation's. */
CHEK_MUST_USE int server__erasure_check(struct server__shard *shard, const struct server__job *job);
/* Write the answer: the erasure as it is listed. */
void server__erasure_tell(struct server__shard *shard, struct server__job *job);

/* cpcr_listener.c */
/*
 * Serve registers on HOST:PORT.
 *
 *   Errors     as chek_io_listen(), -ENOMEM; nothing is left behind
 */
CHEK_MUST_USE int server__cpcr_open(struct server__shard *shard, const char *address,
                                    uint16_t *ret_port, struct server__cpcr **ret);
void server__cpcr_stop(struct server__cpcr *cpcr);
bool server__cpcr_is_idle(const struct server__cpcr *cpcr);
void server__cpcr_free(struct server__cpcr *cpcr); /* takes NULL */
/* A job of a connection is back. The connection may be gone. */
void server__cpcr_answered(struct server__cpcr *cpcr, struct server__job *job);
/* Go on with connections that waited for a free job, and close those that are too slow. */
void server__cpcr_turn(struct server__cpcr *cpcr, uint64_t now_ns);

struct server__cpcr_counters {
    uint64_t connection_count, connection_open_count, request_count, refusal_count;
    uint64_t frame_error_count, timeout_count;
};
struct server__cpcr_counters server__cpcr_count(const struct server__cpcr *cpcr);

#endif
