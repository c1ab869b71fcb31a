/* SPDX-License-Identifier: MIT */
/*
 * sum_up.h - a step of ask_sums between the owner's thread and a worker.
 */
#ifndef CHEK_QUERY_SUM_UP_H
#define CHEK_QUERY_SUM_UP_H

#include "query/host.h"

/* Where a question for sums stands. */
struct query__sums_state {
    uint32_t group_next;  /* among the partition's groups, in their order */
    uint32_t window_next; /* of the time range, for these groups */
};

/* A register of the partition that the question is about. */
struct query__member {
    struct chek_bytes_view organisation, point;
    uint32_t registration;
    uint32_t group;
    uint16_t currency;
};

struct query__sum {
    chek_i128 gross, net, cash, card, mobile, other, tax;
    int64_t tickets, positions; /* addends may take off what others brought */
    int64_t foreign_tickets;    /* of a currency that is not the first one */
    uint16_t currency, foreign_currency;
    bool is_begun;
};

/* One step at work; prepared on the owner's thread, then a worker's. */
struct query__sums_work {
    struct chek_ask_sums question;
    uint32_t registration;         /* the last one that was looked at */
    bool is_begun;                 /* there is one */
    struct query__member *members; /* ordered by group, then by registration */
    uint32_t member_count, member_count_max, group_count;
    uint32_t group_first, group_last; /* of this step, the last not included */
    uint32_t *registrations;          /* of this step, ascending */
    uint32_t *groups;                 /* of each of them, less group_first */
    uint16_t *currencies;
    uint32_t registration_count;
    int64_t bucket_s; /* 0 = one bucket for all */
    int64_t from, to; /* of this step, inclusive; 0 = no bound */
    uint32_t bucket_count;
    struct query__sum *sums; /* [group][bucket][operation] */
    int error;
};

/* Seconds that are one row of the answer; 0: all of them are. */
int64_t query__bucket_size_s(const struct chek_ask_sums *question);

/* Put the members that were collected in groups, add up what the view has of this step's, and make
 * the chunk. Threads: a worker. */
enum chek_visit_next query__sum_up(struct chek_visit *visit, const struct chek_visit_view *view);

#endif
