/* SPDX-License-Identifier: MIT */
#include "tools/load/report.h"

#include "engine/base/limits.h"
#include "tools/load/commit.h"

#define LAG_NS_MIN 250000
#define TEXT_SIZE 64

static double
seconds_of(const struct chek_load_report *report)
{
    return (double)report->sent.wall_ns / 1e9;
}

static double
a_second(const struct chek_load_report *report, uint64_t count)
{
    double seconds = seconds_of(report);
    return seconds > 0 ? (double)count / seconds : 0;
}

double
chek_report_rate(const struct chek_load_report *report)
{
    return a_second(report, report->stream.receipt_count);
}

bool
chek_report_is_void(const struct chek_load_report *report)
{
    uint64_t limit_ns = chek_histogram_at(&report->sent.latency, 99000) / 10;
    limit_ns = limit_ns > LAG_NS_MIN ? limit_ns : LAG_NS_MIN;
    return chek_histogram_at(&report->sent.send_lag, 99000) > limit_ns;
}

bool
chek_report_is_right(const struct chek_load_report *report)
{
    return report->sent.wrong_count == 0 && report->check.difference_count == 0 &&
           report->sent.document_count == report->stream.document_count;
}

static double
per_million(const struct chek_load_report *report, uint64_t cpu_us)
{
    return (double)cpu_us / (double)report->stream.receipt_count;
}

static double
frames_per_send(const struct chek_load_report *report)
{
    return report->sent.send_count != 0
               ? (double)report->sent.frame_count / (double)report->sent.send_count
               : 0;
}

/* ---- for people ------------------------------------------------------------------------------- */

static void
row(FILE *out, const char *name, const char *value)
{
    (void)fprintf(out, "  %-22s %s\n", name, value);
}

/* 1234567 as "1,234,567". */
static const char *
grouped(char text[TEXT_SIZE], uint64_t value)
{
    char digits[32];
    int count = snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    size_t size = 0;
    for (int i = 0; i < count; i++) {
        if (i != 0 && (count - i) % 3 == 0) {
            text[size++] = ',';
        }
        text[size++] = digits[i];
    }
    text[size] = 0;
    return text;
}

static void
row_count(FILE *out, const char *name, uint64_t value, const char *unit)
{
    char text[TEXT_SIZE];
    char line[2 * TEXT_SIZE];
    (void)snprintf(line, sizeof line, "%15s %s", grouped(text, value), unit);
    row(out, name, line);
}

static void
row_decimal(FILE *out, const char *name, double value, const char *unit)
{
    char line[2 * TEXT_SIZE];
    (void)snprintf(line, sizeof line, "%15.2f %s", value, unit);
    row(out, name, line);
}

static void
write_latencies(const struct chek_load_report *report, FILE *out)
{
    const struct chek_histogram *latency = &report->sent.latency;
    bool is_open = report->options->rate != 0;
    (void)fprintf(out, "acknowledgement, from %s\n", is_open ? "the schedule" : "the sending");
    row_decimal(out, "p50", (double)chek_histogram_at(latency, 50000) / 1e6, "ms");
    row_decimal(out, "p99", (double)chek_histogram_at(latency, 99000) / 1e6, "ms");
    row_decimal(out, "p99.9", (double)chek_histogram_at(latency, 99900) / 1e6, "ms");
    row_decimal(out, "longest", (double)latency->max / 1e6, "ms");
    if (report->options->warm_up_s != 0) {
        const struct chek_histogram *warm = &report->sent.warm_latency;
        row_decimal(out, "p50 when warm", (double)chek_histogram_at(warm, 50000) / 1e6, "ms");
        row_decimal(out, "p99 when warm", (double)chek_histogram_at(warm, 99000) / 1e6, "ms");
    }
    if (is_open) {
        row_decimal(out, "send lag p99",
                    (double)chek_histogram_at(&report->sent.send_lag, 99000) / 1e6,
                    chek_report_is_void(report) ? "ms: VOID, the schedule was not kept" : "ms");
    }
}

static void
write_server(const struct chek_load_report *report, FILE *out)
{
    (void)fprintf(out, "server\n");
    row(out, "log", report->after.sync_method);
    row_count(out, "log written",
              (report->after.log_blocks - report->before.log_blocks) * CHEK_BLOCK_SIZE, "bytes");
    row_decimal(out, "log group p99", (double)report->after.log_group_p99_us / 1e3,
                "ms from its write to durable, of the slowest shard");
    row_count(out, "heap allocations", report->after.allocations - report->before.allocations,
              "during the load");
    if (report->server_rss_size == 0) {
        return;
    }
    row_decimal(out, "processor", per_million(report, report->server_cpu_us),
                "s a million receipts");
    row_decimal(out, "resident, empty", (double)report->server_rss_idle_size / 1e6, "MB");
    row_decimal(out, "resident, loaded", (double)report->server_rss_size / 1e6, "MB");
    row_decimal(out, "on disk, stopped", (double)report->disk_size / 1e6, "MB");
    row_count(out, "start, stop", report->start_ms, "ms");
    row_count(out, "", report->stop_ms, "ms");
}

static void
write_check(const struct chek_load_report *report, FILE *out)
{
    char counts[3][TEXT_SIZE];
    (void)fprintf(out, "check\n");
    if (chek_report_is_right(report)) {
        (void)fprintf(out,
                      "  %s sums of registers and %s reports are equal to what was acknowledged\n",
                      grouped(counts[0], report->check.compared_count),
                      grouped(counts[1], report->check.report_count));
        return;
    }
    (void)fprintf(out,
                  "  WRONG: %s differences, %s frames answered otherwise than is due, %s refused\n",
                  grouped(counts[0], report->check.difference_count),
                  grouped(counts[1], report->sent.wrong_count),
                  grouped(counts[2], report->sent.refused_count));
    if (report->check.first[0] != 0) {
        (void)fprintf(out, "  %s\n", report->check.first);
    }
}

void
chek_report_write(const struct chek_load_report *report, FILE *out)
{
    char line[2 * TEXT_SIZE];
    (void)fprintf(out, "%s, commit %s, load average %.1f\n", report->machine, CHEK_COMMIT,
                  report->load_average);
    (void)snprintf(line, sizeof line, "profile %s, seed %llu, stream %016llx",
                   report->options->workload.profile == CHEK_WORKLOAD_B ? "b" : "a",
                   (unsigned long long)report->options->workload.seed,
                   (unsigned long long)report->stream_hash);
    (void)fprintf(out, "%s\n", line);
    row_count(out, "receipts", report->stream.receipt_count, "");
    row_count(out, "lines", report->stream.line_count, "");
    row_count(out, "documents", report->sent.document_count, "answered");
    row_count(out, "registers", report->register_count, "");
    row_decimal(out, "time", seconds_of(report), "s");
    row_count(out, "rate", (uint64_t)chek_report_rate(report), "receipts/s");
    row_count(out, "", (uint64_t)a_second(report, report->sent.sent_size), "bytes/s");
    row_decimal(out, "frames a send", frames_per_send(report), "");
    row_decimal(out, "client's processor", per_million(report, report->client_cpu_us),
                "s a million receipts");
    if (report->run_count > 1) {
        (void)fprintf(out, "  of %u runs:", report->run_count);
        for (uint32_t i = 0; i < report->run_count; i++) {
            (void)fprintf(out, " %.0f", report->rates[i]);
        }
        (void)fprintf(out, " receipts/s\n");
    }
    write_latencies(report, out);
    write_server(report, out);
    write_check(report, out);
}

/* ---- JSON ------------------------------------------------------------------------------------- */

struct json {
    FILE *out;
    bool has_members;
};

static void
json_name(struct json *json, const char *name)
{
    (void)fprintf(json->out, "%s\"%s\":", json->has_members ? "," : "", name);
    json->has_members = true;
}

static void
json_count(struct json *json, const char *name, uint64_t value)
{
    json_name(json, name);
    (void)fprintf(json->out, "%llu", (unsigned long long)value);
}

static void
json_decimal(struct json *json, const char *name, double value)
{
    json_name(json, name);
    (void)fprintf(json->out, "%.6g", value);
}

static void
json_bool(struct json *json, const char *name, bool value)
{
    json_name(json, name);
    (void)fputs(value ? "true" : "false", json->out);
}

static void
json_text(struct json *json, const char *name, const char *text)
{
    json_name(json, name);
    (void)fputc('"', json->out);
    for (; *text != 0; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            (void)fprintf(json->out, "\\%c", c);
        } else if (c < 0x20) {
            (void)fprintf(json->out, "\\u%04x", c);
        } else {
            (void)fputc(c, json->out);
        }
    }
    (void)fputc('"', json->out);
}

static void
json_latencies(struct json *json, const struct chek_load_report *report)
{
    const struct chek_histogram *latency = &report->sent.latency;
    json_decimal(json, "ack_p50_us", (double)chek_histogram_at(latency, 50000) / 1e3);
    json_decimal(json, "ack_p90_us", (double)chek_histogram_at(latency, 90000) / 1e3);
    json_decimal(json, "ack_p99_us", (double)chek_histogram_at(latency, 99000) / 1e3);
    json_decimal(json, "ack_p999_us", (double)chek_histogram_at(latency, 99900) / 1e3);
    json_decimal(json, "ack_max_us", (double)latency->max / 1e3);
    if (report->options->warm_up_s != 0) {
        const struct chek_histogram *warm = &report->sent.warm_latency;
        json_count(json, "warm_up_s", report->options->warm_up_s);
        json_decimal(json, "warm_p50_us", (double)chek_histogram_at(warm, 50000) / 1e3);
        json_decimal(json, "warm_p99_us", (double)chek_histogram_at(warm, 99000) / 1e3);
        json_count(json, "warm_frames", warm->count);
    }
    json_decimal(json, "send_lag_p99_us",
                 (double)chek_histogram_at(&report->sent.send_lag, 99000) / 1e3);
    json_bool(json, "void", chek_report_is_void(report));
}

static void
json_stream(struct json *json, const struct chek_load_report *report)
{
    char text[TEXT_SIZE];
    const struct chek_load_options *options = report->options;
    json_text(json, "profile", options->workload.profile == CHEK_WORKLOAD_B ? "b" : "a");
    json_count(json, "seed", options->workload.seed);
    json_count(json, "receipts", report->stream.receipt_count);
    json_count(json, "lines", report->stream.line_count);
    json_count(json, "registers", report->register_count);
    json_count(json, "documents", report->sent.document_count);
    json_count(json, "closes", report->stream.close_count);
    json_count(json, "late", report->stream.late_count);
    json_count(json, "stored", report->sent.stored_count);
    json_count(json, "duplicates", report->sent.duplicate_count);
    json_count(json, "conflicts", report->sent.conflict_count);
    json_count(json, "refused", report->sent.refused_count);
    json_count(json, "total", (uint64_t)report->stream.total);
    (void)snprintf(text, sizeof text, "%016llx", (unsigned long long)report->stream_hash);
    json_text(json, "stream_xxh3", text);
}

static void
json_sending(struct json *json, const struct chek_load_report *report)
{
    const struct chek_load_options *options = report->options;
    json_decimal(json, "seconds", seconds_of(report));
    json_decimal(json, "receipts_per_s", chek_report_rate(report));
    json_decimal(json, "bytes_per_s", a_second(report, report->sent.sent_size));
    json_latencies(json, report);
    json_count(json, "rate", options->rate);
    json_bool(json, "prepared", options->prepared);
    json_count(json, "connections", options->connections);
    json_count(json, "frame_bytes", options->frame_bytes);
    json_count(json, "frame_receipts", options->frame_receipts);
    json_count(json, "window", options->window);
    json_count(json, "frames", report->sent.frame_count);
    json_decimal(json, "frames_per_send", frames_per_send(report));
    json_count(json, "busy", report->sent.busy_count);
    json_name(json, "runs");
    for (uint32_t i = 0; i < report->run_count; i++) {
        (void)fprintf(json->out, "%c%.6g", i == 0 ? '[' : ',', report->rates[i]);
    }
    (void)fputc(']', json->out);
}

static void
json_server(struct json *json, const struct chek_load_report *report)
{
    json_text(json, "sync_method", report->after.sync_method);
    json_decimal(json, "cpu_s_per_million", per_million(report, report->server_cpu_us));
    json_decimal(json, "client_cpu_s_per_million", per_million(report, report->client_cpu_us));
    json_count(json, "server_rss_bytes", report->server_rss_size);
    json_count(json, "server_rss_max_bytes", report->server_rss_max_size);
    json_count(json, "server_rss_empty_bytes", report->server_rss_idle_size);
    json_count(json, "server_allocations", report->after.allocations - report->before.allocations);
    json_count(json, "server_allocations_late",
               report->after.allocations_late - report->before.allocations_late);
    json_count(json, "server_sends", report->after.sends - report->before.sends);
    json_count(json, "server_io_operations",
               report->after.io_operations - report->before.io_operations);
    json_count(json, "disk_bytes", report->disk_size);
    json_count(json, "log_bytes",
               (report->after.log_blocks - report->before.log_blocks) * CHEK_BLOCK_SIZE);
    json_count(json, "event_bytes", report->event_size);
    json_count(json, "segment_bytes", report->segment_size);
    json_count(json, "snapshot_bytes", report->snapshot_size);
    json_count(json, "cold_reads", report->after.cold_reads);
    json_count(json, "log_group_p99_us", report->after.log_group_p99_us);
    json_count(json, "start_ms", report->start_ms);
    json_count(json, "stop_ms", report->stop_ms);
}

void
chek_report_write_json(const struct chek_load_report *report, FILE *out)
{
    struct json json = {.out = out};
    (void)fputc('{', out);
    json_stream(&json, report);
    json_sending(&json, report);
    json_server(&json, report);
    json_bool(&json, "right", chek_report_is_right(report));
    json_count(&json, "compared", report->check.compared_count);
    json_count(&json, "reports_compared", report->check.report_count);
    json_count(&json, "differences", report->check.difference_count);
    json_text(&json, "first_difference", report->check.first);
    json_text(&json, "commit", CHEK_COMMIT);
    json_text(&json, "machine", report->machine);
    json_decimal(&json, "load_average", report->load_average);
    (void)fputs("}\n", out);
}
