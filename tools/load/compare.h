/* SPDX-License-Identifier: MIT */
/*
 * compare.h - what is asked of the server around a run: registrations before, figures after.
 */
#ifndef CHEK_LOAD_COMPARE_H
#define CHEK_LOAD_COMPARE_H

#include "query/client/client.h"
#include "tools/load/account.h"

/*
 * Claim every register of the workload, in rounds, and tell the workload the registrations.
 *
 *   Ownership  *ret_registrations is of chek_memory_allocate(), one u32 a register
 *   Errors     what the server refuses with; -ENOMEM
 */
CHEK_MUST_USE int chek_compare_claim(struct chek_client *client, struct chek_workload *workload,
                                     uint32_t **ret_registrations, struct chek_failure *failure);

/* A value of ask_status, summed over shards; 0 when there is none of the name. */
struct chek_compare_status {
    uint64_t sends, log_blocks, allocations, allocations_late, cold_reads, io_operations;
    uint64_t log_group_p99_us; /* of the slowest shard, since its start */
    char sync_method[64];
};

CHEK_MUST_USE int chek_compare_status(struct chek_client *client, struct chek_compare_status *ret,
                                      struct chek_failure *failure);

struct chek_compare_result {
    uint64_t compared_count;   /* cells: register and operation */
    uint64_t report_count;     /* X and Z */
    uint64_t difference_count; /* cells that differ */
    char first[256];           /* the first difference, for people */
};

/*
 * Compare the sums of every register, and reports of the sampled ones, with the account.
 *
 *   Errors     what the server refuses with; differences are no error but a result
 */
CHEK_MUST_USE int chek_compare_run(struct chek_client *client, const struct chek_account *account,
                                   const uint32_t *registrations, struct chek_compare_result *ret,
                                   struct chek_failure *failure);

#endif
