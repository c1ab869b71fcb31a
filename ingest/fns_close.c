/* SPDX-License-Identifier: MIT */
/*
 * fns_close.c - the close of a shift from its JSON, and what its drive counted (FFD.md C1 to C6).
 *
 * Counters are kept as they were written until the object ends, for whether they are kopecks or
 * roubles is known only then; then they are gathered as elements are.
 */
#include <string.h>

#include "ingest/fns_raw.h"

enum {
    TAG_TICKETS = 1135,
    TAG_OWN_CORRECTIONS = 1148,
    TAG_ORDERED_CORRECTIONS = 1149,
};

/* Names of counters, by where they stand; a tag may have several. */
static const struct counter_name {
    const char *name;
    uint16_t tag;
    uint8_t level;
} names[] = {
    {"receiptCount", TAG_TICKETS, LEVEL_COUNTED},
    {"receiptBsoCount", TAG_TICKETS, LEVEL_COUNTED},
    {"totalSum", 1201, LEVEL_COUNTED},
    {"cashSum", 1136, LEVEL_COUNTED},
    {"ecashSum", 1138, LEVEL_COUNTED},
    {"prepaidSum", 1218, LEVEL_COUNTED},
    {"creditSum", 1219, LEVEL_COUNTED},
    {"provisionSum", 1220, LEVEL_COUNTED},
    {"tax18Sum", 1139, LEVEL_COUNTED},
    {"tax10Sum", 1140, LEVEL_COUNTED},
    {"tax18118Sum", 1141, LEVEL_COUNTED},
    {"tax10110Sum", 1142, LEVEL_COUNTED},
    {"selfCorrectionCount", TAG_OWN_CORRECTIONS, LEVEL_COUNTED},
    {"orderCorrectionCount", TAG_ORDERED_CORRECTIONS, LEVEL_COUNTED},
    {"tax18CorrectionSum", 1151, LEVEL_COUNTED},
    {"tax10CorrectionSum", 1152, LEVEL_COUNTED},
    {"tax18118CorrectionSum", 1153, LEVEL_COUNTED},
    {"tax10110CorrectionSum", 1154, LEVEL_COUNTED},
    {"selfCorrectionCount", TAG_OWN_CORRECTIONS, LEVEL_CORRECTIONS},
    {"orderCorrectionCount", TAG_ORDERED_CORRECTIONS, LEVEL_CORRECTIONS},
    {"correctionSum", 1150, LEVEL_CORRECTIONS},
};

bool
ingest__fns_is_count(uint16_t tag)
{
    return tag == TAG_TICKETS || tag == TAG_OWN_CORRECTIONS || tag == TAG_ORDERED_CORRECTIONS;
}

/* ---- gathered --------------------------------------------------------------------------------- */

static void
counter_add(struct ingest__fns_raw *raw, struct chek_arena *arena, uint16_t tag,
            struct ingest__fns_value value)
{
    if (raw->counters == NULL) {
        raw->counters = chek_arena_take(arena, FNS_COUNTER_COUNT_MAX * sizeof *raw->counters);
        raw->exhausted = raw->exhausted || raw->counters == NULL;
    }
    if (raw->counters != NULL && raw->counter_count++ < FNS_COUNTER_COUNT_MAX) {
        raw->counters[raw->counter_count - 1] =
            (struct ingest__fns_counter){raw->counter_set, raw->counter_operation, tag, value};
    }
}

void
ingest__fns_counters_open(struct ingest__fns_raw *raw, struct chek_arena *arena,
                          enum ingest__fns_level level, uint16_t tag)
{
    raw->counter_operation = level == LEVEL_COUNTED ? tag : 0;
    if (level == LEVEL_COUNTERS) {
        raw->counter_set = tag;
    }
    /* A set or an operation is there, though nothing may stand inside. */
    counter_add(raw, arena, 0, (struct ingest__fns_value){0});
}

void
ingest__fns_counter_put(struct ingest__fns_raw *raw, struct chek_arena *arena,
                        enum ingest__fns_level level, const char *name,
                        struct ingest__fns_value value)
{
    if (level != LEVEL_COUNTED) {
        raw->counter_operation = 0; /* behind an operation that was closed */
    }
    for (size_t i = 0; i < CHEK_COUNT(names); i++) {
        if (names[i].level == level && strcmp(names[i].name, name) == 0) {
            counter_add(raw, arena, names[i].tag, value);
            return;
        }
    }
}

/* ---- read ------------------------------------------------------------------------------------- */

/* The value of a counter. A sum that is too large stays at the end of its range, as one of elements
 * does. (C5) */
static int
counter_read(const struct ingest__fns_counter *counter, bool roubles, uint64_t *ret)
{
    int64_t sum = 0;
    if (ingest__fns_is_count(counter->tag)) {
        return ingest__fns_number(&counter->value, UINT32_MAX, ret);
    }
    int error = ingest__fns_money(&counter->value, roubles, &sum);
    if (error == CHEK_E_OVERFLOW && counter->value.text.bytes[0] != '-') {
        sum = INT64_MAX;
        error = CHEK_OK;
    }
    if (error == CHEK_OK && sum < 0) {
        error = CHEK_E_RANGE;
    }
    *ret = (uint64_t)sum;
    return error;
}

/* Counters of JSON are gathered in their order, as elements are. */
static int
counters_read(const struct ingest__fns_raw *raw, struct chek_ffd_counters *ret)
{
    bool roubles = raw->counters != NULL && ingest__fns_is_in_roubles(raw);
    if (raw->counter_count > FNS_COUNTER_COUNT_MAX) {
        return CHEK_E_LIMIT;
    }
    for (uint32_t i = 0; i < raw->counter_count; i++) {
        const struct ingest__fns_counter *counter = &raw->counters[i];
        uint64_t value = 0;
        if (counter->tag == 0) {
            if (counter->operation == 0) {
                chek_ffd_counters_set(ret, counter->set);
            } else {
                chek_ffd_counters_operation(ret, counter->operation);
            }
            continue;
        }
        int error = counter_read(counter, roubles, &value);
        if (error != CHEK_OK) {
            return error;
        }
        if (counter->operation == 0) {
            chek_ffd_counters_operation(ret, 0);
        }
        chek_ffd_counters_add(ret, counter->tag, value);
    }
    return CHEK_OK;
}

/* ---- the close -------------------------------------------------------------------------------- */

static int
numbers_read(const struct ingest__fns_raw *raw, struct chek_close *close, struct chek_fault *fault)
{
    uint64_t values[3] = {0};
    static const struct {
        uint16_t field, from;
        uint64_t max;
    } rows[] = {
        {CHEK_FIELD_CLOSE_DOCUMENT, FNS_DOCUMENT, UINT32_MAX},
        {CHEK_FIELD_CLOSE_SHIFT, FNS_SHIFT, UINT32_MAX},
        {CHEK_FIELD_CLOSE_SIGN, FNS_SIGN, UINT64_MAX},
    };
    _Static_assert(CHEK_COUNT(rows) == CHEK_COUNT(values), "a value a row");
    for (size_t i = 0; i < CHEK_COUNT(rows); i++) {
        int error = ingest__fns_number(&raw->fields[rows[i].from], rows[i].max, &values[i]);
        if (error != CHEK_OK) {
            return ingest__fns_fault(fault, error, rows[i].field, 0);
        }
    }
    close->document = (uint32_t)values[0];
    close->shift = (uint32_t)values[1];
    close->sign = values[2];
    return CHEK_OK;
}

int
ingest__fns_close(const struct ingest__fns_raw *raw, struct chek_arena *arena,
                  struct chek_document *document, struct chek_fault *fault)
{
    struct chek_ffd_counters counted = raw->counted;
    struct chek_close *close = chek_arena_take(arena, sizeof *close);
    if (close == NULL) {
        return ingest__fns_fault(fault, CHEK_E_LIMIT, CHEK_FIELD_DOCUMENT_CLOSE, 0);
    }
    *close = (struct chek_close){
        .operator= ingest__fns_text(&raw->fields[FNS_OPERATOR], FNS_OPERATOR_SIZE_MAX)};
    int error = numbers_read(raw, close, fault);
    if (error != CHEK_OK) {
        return error;
    }
    error = ingest__fns_time(raw, &close->time);
    if (error != CHEK_OK) {
        return ingest__fns_fault(fault, error, CHEK_FIELD_CLOSE_TIME, 0);
    }
    error = counters_read(raw, &counted);
    if (error == CHEK_OK) {
        error = chek_ffd_counters_figures(&counted, close->time, arena, &close->figures);
    }
    if (error != CHEK_OK) {
        return ingest__fns_fault(fault, error, CHEK_FIELD_CLOSE_FIGURES, 0);
    }
    document->close = close;
    return CHEK_OK;
}
