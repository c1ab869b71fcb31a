/* SPDX-License-Identifier: MIT */
#include "tools/kkm/kkm_report.h"

bool
chek_kkm_report_is_right(const struct chek_kkm_options *options, const struct chek_kkm_run *run)
{
    const struct chek_kkm_counts *counts = &run->counts;
    return !run->gave_up && counts->finished == options->register_count &&
           counts->x_differences == 0 && counts->z_differences == 0 && counts->refused == 0 &&
           counts->wrong_answers == 0;
}

static double
seconds_of(const struct chek_kkm_run *run)
{
    return (double)run->wall_ns / 1e9;
}

static double
rate_of(const struct chek_kkm_run *run)
{
    return run->wall_ns != 0 ? (double)run->counts.tickets / seconds_of(run) : 0;
}

/* Every count has a name; both forms of the report walk the same list. */
struct named {
    const char *name;
    uint64_t value;
};

#define NAMED_COUNT 22

static void
name_all(const struct chek_kkm_options *options, const struct chek_kkm_run *run,
         struct named ret[NAMED_COUNT])
{
    const struct chek_kkm_counts *counts = &run->counts;
    const struct named all[NAMED_COUNT] = {
        {"registers", options->register_count}, {"finished", counts->finished},
        {"blocked", counts->blocked},           {"shifts", counts->shifts},
        {"tickets", counts->tickets},           {"documents", counts->documents},
        {"offline", counts->offline},           {"requests", counts->requests},
        {"connections", run->connections},      {"cuts", counts->cuts},
        {"retries", counts->retries},           {"pings", counts->pings},
        {"recoveries", counts->recoveries},     {"auths", counts->auths},
        {"auths_denied", counts->auths_denied}, {"nomenclatures", counts->nomenclatures},
        {"x_compared", counts->x_compared},     {"x_differences", counts->x_differences},
        {"z_compared", counts->z_compared},     {"z_differences", counts->z_differences},
        {"refused", counts->refused},           {"wrong_answers", counts->wrong_answers},
    };
    memcpy(ret, all, sizeof all);
}

/* What is told of percentiles, in 1/100000. */
static const struct {
    const char *name, *title;
    uint32_t part;
} percentiles[] = {
    {"ack_p50_us", "p50", 50000},
    {"ack_p99_us", "p99", 99000},
    {"ack_p999_us", "p99.9", 99900},
    {"ack_max_us", "longest", 100000},
};

void
chek_kkm_report_write(const struct chek_kkm_options *options, const struct chek_kkm_run *run,
                      FILE *out)
{
    const struct chek_kkm_counts *counts = &run->counts;
    struct named all[NAMED_COUNT];
    const char *const told[] = {counts->first_difference, counts->first_refusal,
                                counts->first_wrong_answer};

    (void)fprintf(out, "protocol %u, seed %llu, %u registers at once\n", options->protocol,
                  (unsigned long long)options->seed, run->at_once);
    name_all(options, run, all);
    for (size_t i = 0; i < NAMED_COUNT; i++) {
        (void)fprintf(out, "  %-22s %15llu\n", all[i].name, (unsigned long long)all[i].value);
    }
    (void)fprintf(out, "  %-22s %15.2f s\n", "time", seconds_of(run));
    (void)fprintf(out, "  %-22s %15.0f tickets/s\n", "rate", rate_of(run));
    (void)fprintf(out, "a document, from its sending%s to its answer\n",
                  options->connection_per_ticket ? " (with its connecting)" : "");
    for (size_t i = 0; i < CHEK_COUNT(percentiles); i++) {
        (void)fprintf(out, "  %-22s %15.2f ms\n", percentiles[i].title,
                      (double)chek_histogram_at(&run->latency, percentiles[i].part) / 1e6);
    }
    for (size_t i = 0; i < CHEK_COUNT(told); i++) {
        if (told[i][0] != 0) {
            (void)fprintf(out, "%s\n", told[i]);
        }
    }
    if (run->gave_up) {
        (void)fprintf(out, "given up: the server did not answer for %u s\n", options->patience_s);
    }
    (void)fprintf(out, "%s\n", chek_kkm_report_is_right(options, run) ? "right" : "WRONG");
}

static void
json_text(FILE *out, const char *name, const char *text)
{
    (void)fprintf(out, ",\"%s\":\"", name);
    for (; *text != 0; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            (void)fprintf(out, "\\%c", c);
        } else if (c < 0x20) {
            (void)fprintf(out, "\\u%04x", c);
        } else {
            (void)fputc(c, out);
        }
    }
    (void)fputc('"', out);
}

void
chek_kkm_report_write_json(const struct chek_kkm_options *options, const struct chek_kkm_run *run,
                           FILE *out)
{
    const struct chek_kkm_counts *counts = &run->counts;
    struct named all[NAMED_COUNT];

    (void)fprintf(out, "{\"protocol\":%u,\"seed\":%llu,\"at_once\":%u", options->protocol,
                  (unsigned long long)options->seed, run->at_once);
    name_all(options, run, all);
    for (size_t i = 0; i < NAMED_COUNT; i++) {
        (void)fprintf(out, ",\"%s\":%llu", all[i].name, (unsigned long long)all[i].value);
    }
    (void)fprintf(out, ",\"seconds\":%.6g,\"tickets_per_s\":%.6g", seconds_of(run), rate_of(run));
    for (size_t i = 0; i < CHEK_COUNT(percentiles); i++) {
        (void)fprintf(out, ",\"%s\":%.6g", percentiles[i].name,
                      (double)chek_histogram_at(&run->latency, percentiles[i].part) / 1e3);
    }
    json_text(out, "first_difference", counts->first_difference);
    json_text(out, "first_refusal", counts->first_refusal);
    json_text(out, "first_wrong_answer", counts->first_wrong_answer);
    (void)fprintf(out, ",\"gave_up\":%s,\"right\":%s}\n", run->gave_up ? "true" : "false",
                  chek_kkm_report_is_right(options, run) ? "true" : "false");
}
