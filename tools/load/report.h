/* SPDX-License-Identifier: MIT */
/*
 * report.h - the figures of a run, for people and as JSON.
 */
#ifndef CHEK_LOAD_REPORT_H
#define CHEK_LOAD_REPORT_H

#include <stdio.h>

#include "tools/load/compare.h"
#include "tools/load/options.h"
#include "tools/load/sender.h"

#define CHEK_REPORT_RUN_COUNT_MAX 100

struct chek_load_report {
    const struct chek_load_options *options;
    struct chek_workload_counters stream;
    uint64_t stream_hash;
    uint32_t register_count;
    struct chek_sender_result sent;
    struct chek_compare_result check;
    struct chek_compare_status before, after; /* the load */
    uint64_t client_cpu_us;                   /* this program's, during the load */
    double load_average;                      /* of the machine, when the load began */
    char machine[256];

    /* Of a server of our own; else 0. */
    uint64_t server_cpu_us, server_rss_idle_size, server_rss_size, server_rss_max_size;
    uint64_t disk_size, event_size, segment_size, snapshot_size; /* after an orderly stop */
    uint64_t start_ms, stop_ms;

    uint32_t run_count;
    double rates[CHEK_REPORT_RUN_COUNT_MAX]; /* receipts a second, of all runs */
};

double chek_report_rate(const struct chek_load_report *report);

/* Whether latencies mean nothing, because the schedule was not kept. */
bool chek_report_is_void(const struct chek_load_report *report);

/* Whether all that was sent was answered as is due, and the server's figures are right. */
bool chek_report_is_right(const struct chek_load_report *report);

void chek_report_write(const struct chek_load_report *report, FILE *out);
void chek_report_write_json(const struct chek_load_report *report, FILE *out);

#endif
