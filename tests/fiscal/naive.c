/* SPDX-License-Identifier: MIT */
/* naive.c - totals by going through a list of documents. */
#include "tests/fiscal/naive.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/assertion.h"
#include "engine/base/limits.h"

#define WARN(name) (UINT32_C(1) << CHEK_WARNING_##name)
#define CELL_MAX 64
#define ROW_MAX 300

/* ---- named figures ---------------------------------------------------------------------------- */

static uint32_t
name_hash(const char *name)
{
    uint32_t hash = 5381;
    for (; *name != '\0'; name++) {
        hash = hash * 33 + (uint8_t)*name;
    }
    return hash;
}

static chek_i128 *
figure(struct naive_figures *figures, const char *name)
{
    uint32_t at = name_hash(name) % NAIVE_FIGURE_MAX;
    while (figures->slots[at].name[0] != '\0' && strcmp(figures->slots[at].name, name) != 0) {
        at = (at + 1) % NAIVE_FIGURE_MAX;
    }
    if (figures->slots[at].name[0] == '\0') {
        figures->count += 1;
        CHEK_ASSERT(figures->count < NAIVE_FIGURE_MAX);
        snprintf(figures->slots[at].name, NAIVE_NAME_MAX, "%s", name);
    }
    return &figures->slots[at].value;
}

__attribute__((format(printf, 3, 4))) static void
add(struct naive_figures *figures, chek_i128 value, const char *format, ...)
{
    char name[NAIVE_NAME_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    *figure(figures, name) += value;
}

static chek_i128
value_of(const struct naive_figures *figures, const char *name)
{
    uint32_t at = name_hash(name) % NAIVE_FIGURE_MAX;
    while (figures->slots[at].name[0] != '\0') {
        if (strcmp(figures->slots[at].name, name) == 0) {
            return figures->slots[at].value;
        }
        at = (at + 1) % NAIVE_FIGURE_MAX;
    }
    return 0;
}

int64_t
naive_value(const struct naive_figures *figures, const char *name)
{
    return (int64_t)value_of(figures, name);
}

static const char *
missing_in(const struct naive_figures *a, const struct naive_figures *b)
{
    for (uint32_t i = 0; i < NAIVE_FIGURE_MAX; i++) {
        const char *name = a->slots[i].name;
        if (name[0] != '\0' && a->slots[i].value != value_of(b, name)) {
            return name;
        }
    }
    return NULL;
}

const char *
naive_differs(const struct naive_figures *a, const struct naive_figures *b)
{
    const char *name = missing_in(a, b);
    return name != NULL ? name : missing_in(b, a);
}

/* ---- rows with caps ----------------------------------------------------------------------------
 *
 * A row is known by its key and operation. Of each kind so many are kept; what comes later is
 * "other". Figures of rows are named after the row that they went to.
 */

enum { SECTION, OPERATOR, TAX, SET_COUNT };

static const uint32_t row_max[SET_COUNT] = {CHEK_CELL_SECTION_COUNT_MAX,
                                            CHEK_CELL_OPERATOR_COUNT_MAX, CHEK_CELL_TAX_COUNT_MAX};

struct row {
    char key[80];
    uint8_t operation;
    bool other;
    int64_t count, sum, turnover;
};

struct cell {
    uint16_t binding;
    struct row rows[SET_COUNT][ROW_MAX];
    uint32_t row_counts[SET_COUNT]; /* OTHER rows too */
    uint32_t key_counts[SET_COUNT];
    struct naive_figures *figures; /* all but the rows */
};

static void
row_add(struct cell *cell, int set, const char *key, uint8_t operation, bool other, int64_t count,
        int64_t sum, int64_t turnover)
{
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < cell->row_counts[set]; i++) {
            struct row *row = &cell->rows[set][i];
            if (row->operation == operation && row->other == other &&
                (other || strcmp(row->key, key) == 0)) {
                row->count += count;
                row->sum += sum;
                row->turnover += turnover;
                return;
            }
        }
        if (other || cell->key_counts[set] < row_max[set]) {
            break;
        }
        other = true;
    }
    CHEK_ASSERT(cell->row_counts[set] < ROW_MAX);
    struct row *row = &cell->rows[set][cell->row_counts[set]++];
    *row = (struct row){
        .operation = operation, .other = other, .count = count, .sum = sum, .turnover = turnover};
    snprintf(row->key, sizeof row->key, "%s", other ? "*" : key);
    cell->key_counts[set] += other ? 0 : 1;
}

static int
compare_rows(const void *a, const void *b)
{
    const struct row *left = a;
    const struct row *right = b;
    int order = strcmp(left->key, right->key);
    return order != 0 ? order : left->operation - right->operation;
}

static void
cell_merge(struct cell *to, struct cell *from)
{
    for (int set = 0; set < SET_COUNT; set++) {
        qsort(from->rows[set], from->row_counts[set], sizeof from->rows[set][0], compare_rows);
        for (uint32_t i = 0; i < from->row_counts[set]; i++) {
            const struct row *row = &from->rows[set][i];
            row_add(to, set, row->key, row->operation, row->other, row->count, row->sum,
                    row->turnover);
        }
    }
}

static void
cell_name_rows(const struct cell *cell, struct naive_figures *figures)
{
    static const char *const names[SET_COUNT] = {"section", "operator", "tax"};
    for (int set = 0; set < SET_COUNT; set++) {
        for (uint32_t i = 0; i < cell->row_counts[set]; i++) {
            const struct row *row = &cell->rows[set][i];
            add(figures, row->count, "%s.count/%s/%u", names[set], row->key, row->operation);
            add(figures, row->sum, "%s.sum/%s/%u", names[set], row->key, row->operation);
            add(figures, row->turnover, "%s.turnover/%s/%u", names[set], row->key, row->operation);
        }
    }
}

/* ---- one document ----------------------------------------------------------------------------- */

static void
view_copy(char *to, size_t capacity, struct chek_bytes_view view)
{
    snprintf(to, capacity, "%.*s", (int)view.size, view.size != 0 ? (const char *)view.bytes : "");
}

static void
tax_add(struct cell *cell, const struct chek_tax *tax, uint8_t operation, int64_t amount, int sign)
{
    char key[80];
    int64_t turnover = amount;
    if (tax->on_top) {
        turnover += tax->sum;
    }
    if (tax->turnover != 0) {
        turnover = tax->turnover;
    }
    snprintf(key, sizeof key, "%u.%07u", tax->kind, tax->rate);
    row_add(cell, TAX, key, operation, false, 0, sign * tax->sum, sign * turnover);
}

static void
taxes_add(struct cell *cell, const struct chek_receipt *receipt, int sign)
{
    uint8_t op = receipt->operation;
    for (uint32_t i = 0; i < receipt->taxes_count; i++) {
        tax_add(cell, &receipt->taxes[i], op, receipt->total, sign);
    }
    if (receipt->taxes_count != 0) {
        return;
    }
    for (uint32_t i = 0; i < receipt->lines_count; i++) {
        const struct chek_line *line = &receipt->lines[i];
        int line_sign = sign;
        if (line->kind == CHEK_LINE_KIND_DISCOUNT) {
            line_sign = -line_sign;
        }
        if (line->storno) {
            line_sign = -line_sign;
        }
        for (uint32_t t = 0; t < line->taxes_count; t++) {
            tax_add(cell, &line->taxes[t], op, line->sum, line_sign);
        }
    }
    for (uint32_t i = 0; receipt->discount != NULL && i < receipt->discount->taxes_count; i++) {
        tax_add(cell, &receipt->discount->taxes[i], op, receipt->discount->sum, -sign);
    }
    for (uint32_t i = 0; receipt->markup != NULL && i < receipt->markup->taxes_count; i++) {
        tax_add(cell, &receipt->markup->taxes[i], op, receipt->markup->sum, sign);
    }
}

static int64_t
money_in(uint8_t operation)
{
    static const int64_t directions[] = {
        [CHEK_OPERATION_SELL] = 1,
        [CHEK_OPERATION_SELL_RETURN] = -1,
        [CHEK_OPERATION_BUY] = -1,
        [CHEK_OPERATION_BUY_RETURN] = 1,
    };
    return directions[operation];
}

/* What a document moves in the drawer. */
static int64_t
drawer(const struct chek_document *document)
{
    if (document->movement != NULL) {
        return document->movement->direction == CHEK_DIRECTION_WITHDRAWAL ? -document->movement->sum
                                                                          : document->movement->sum;
    }
    if (document->receipt == NULL) {
        return 0;
    }
    const struct chek_receipt *receipt = document->receipt;
    int64_t all = 0;
    int64_t cash = 0;
    for (uint32_t i = 0; i < receipt->payments_count; i++) {
        all += receipt->payments[i].sum;
        if (receipt->payments[i].kind == CHEK_PAYMENT_KIND_CASH) {
            cash += receipt->payments[i].sum;
        }
    }
    if (all != receipt->total && all == receipt->total + receipt->change) {
        cash -= receipt->change;
    }
    return money_in(receipt->operation) * cash;
}

static void
line_add(struct cell *cell, const struct chek_line *line, uint8_t op, int sign)
{
    static const char *const names[] = {"position", "discount", "markup"};
    int64_t sum = sign * (line->storno ? -line->sum : line->sum);
    int64_t count = line->storno ? 0 : sign;
    add(cell->figures, count, "%s.count/%u", names[line->kind], op);
    add(cell->figures, sum, "%s.sum/%u", names[line->kind], op);
    if (line->kind == CHEK_LINE_KIND_COMMODITY && line->section.size != 0) {
        char key[80];
        view_copy(key, sizeof key, line->section);
        row_add(cell, SECTION, key, op, false, count, sum, 0);
    }
}

static void
receipt_add(struct cell *cell, const struct chek_receipt *receipt, int sign)
{
    struct naive_figures *figures = cell->figures;
    uint8_t op = receipt->operation;
    add(figures, sign, "tickets/%u", op);
    add(figures, sign * receipt->total, "net/%u", op);
    add(figures, sign * receipt->change, "change/%u", op);
    add(figures, receipt->offline ? sign : 0, "offline/%u", op);
    add(figures, money_in(op) * sign * receipt->total, "revenue");
    for (uint32_t i = 0; i < receipt->payments_count; i++) {
        add(figures, sign, "payment.count/%u/%u", op, receipt->payments[i].kind);
        add(figures, sign * receipt->payments[i].sum, "payment.sum/%u/%u", op,
            receipt->payments[i].kind);
    }
    for (uint32_t i = 0; i < receipt->lines_count; i++) {
        line_add(cell, &receipt->lines[i], op, sign);
    }
    if (receipt->discount != NULL) {
        add(figures, sign, "discount.count/%u", op);
        add(figures, sign * receipt->discount->sum, "discount.sum/%u", op);
        add(figures, sign * receipt->discount->sum, "ticket_discount/%u", op);
    }
    if (receipt->markup != NULL) {
        add(figures, sign, "markup.count/%u", op);
        add(figures, sign * receipt->markup->sum, "markup.sum/%u", op);
        add(figures, sign * receipt->markup->sum, "ticket_markup/%u", op);
    }
    if (receipt->operator.size != 0) {
        char key[80];
        view_copy(key, sizeof key, receipt->operator);
        row_add(cell, OPERATOR, key, op, false, sign, sign * receipt->total, 0);
    }
    taxes_add(cell, receipt, sign);
}

static void
document_add(struct cell *cell, const struct chek_document *document, int sign)
{
    if (document->receipt != NULL) {
        receipt_add(cell, document->receipt, sign);
    }
    if (document->movement != NULL) {
        uint8_t direction = document->movement->direction;
        add(cell->figures, sign, "movement.count/%u", direction);
        add(cell->figures, document->movement->offline ? sign : 0, "movement.offline/%u",
            direction);
        add(cell->figures, sign * document->movement->sum, "movement.sum/%u", direction);
    }
}

/* ---- the list --------------------------------------------------------------------------------- */

static int64_t
time_of(const struct chek_document *document)
{
    if (document->receipt != NULL) {
        return document->receipt->time;
    }
    return document->movement != NULL ? document->movement->time : document->close->time;
}

static uint32_t
number_of(const struct chek_document *document)
{
    if (document->receipt != NULL) {
        return document->receipt->document;
    }
    return document->movement != NULL ? document->movement->document : document->close->document;
}

static uint32_t
stated_shift(const struct chek_document *document)
{
    if (document->receipt != NULL) {
        return document->receipt->shift;
    }
    return document->movement != NULL ? document->movement->shift : document->close->shift;
}

/* The drawer after the first `count` entries. */
static int64_t
cash_after(const struct naive *naive, uint32_t count)
{
    int64_t cash = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct naive_entry *entry = &naive->entries[i];
        if (entry->document != NULL) {
            cash += drawer(entry->document) - entry->withdrawal;
        }
        if (entry->completes >= 0) {
            cash -= drawer(naive->entries[entry->completes].document);
        }
    }
    return cash;
}

static chek_i128
sum_after(const struct naive *naive, uint32_t count, uint8_t operation)
{
    chek_i128 sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct naive_entry *entry = &naive->entries[i];
        if (entry->document != NULL && entry->document->receipt != NULL && entry->completes < 0 &&
            entry->document->receipt->operation == operation) {
            sum += entry->document->receipt->total;
        }
    }
    return sum;
}

int32_t
naive_standing(const struct naive *naive, int32_t entry)
{
    while (naive->entries[entry].copy >= 0) {
        entry = naive->entries[entry].copy;
    }
    return entry;
}

static int32_t
find_closing(const struct naive *naive, uint32_t shift)
{
    for (uint32_t i = 0; i < naive->count; i++) {
        if (naive->entries[i].closes && naive->entries[i].shift == shift) {
            return (int32_t)i;
        }
    }
    return -1;
}

int32_t
naive_revision(const struct naive *naive, uint32_t shift)
{
    int32_t revision = 0;
    if (find_closing(naive, shift) < 0) {
        return -1;
    }
    for (uint32_t i = 0; i < naive->count; i++) {
        const struct naive_entry *entry = &naive->entries[i];
        revision += entry->late && !entry->closes && entry->shift == shift;
    }
    return revision;
}

static struct naive_entry *
append(struct naive *naive, struct naive_entry entry)
{
    CHEK_ASSERT(naive->count < NAIVE_ENTRY_MAX);
    entry.ordinal = naive->ordinal++;
    entry.copy = -1;
    naive->entries[naive->count] = entry;
    return &naive->entries[naive->count++];
}

static struct naive_expected
complete(struct naive *naive, const struct chek_document *document, int32_t completes)
{
    struct naive_entry *old = &naive->entries[completes];
    CHEK_ASSERT(old->copy < 0);
    struct naive_entry *added =
        append(naive, (struct naive_entry){.document = document,
                                           .shift = old->shift,
                                           .binding = old->binding,
                                           .late = old->shift != naive->open,
                                           .completes = completes});
    old->copy = (int32_t)naive->count - 1;
    return (struct naive_expected){
        .ordinal = added->ordinal, .shift = added->shift, .warnings = added->late ? WARN(LATE) : 0};
}

/* Which shift, and what has to be closed and opened for it. */
static struct naive_entry
place(struct naive *naive, const struct chek_document *document, uint32_t *warnings)
{
    uint32_t stated = stated_shift(document);
    struct naive_entry entry = {.document = document, .binding = naive->binding, .completes = -1};
    entry.shift = stated;
    if (stated == 0) {
        entry.shift = naive->open != 0 ? naive->open : naive->last + 1;
    }
    if (entry.shift == naive->open) {
        return entry;
    }
    if (entry.shift > naive->last) {
        if (naive->open != 0) {
            append(naive,
                   (struct naive_entry){.shift = naive->open, .closes = true, .completes = -1});
        }
        naive->open = entry.shift;
        naive->last = entry.shift;
        entry.opens = true;
        return entry;
    }
    entry.late = true;
    *warnings |= WARN(LATE);
    if (find_closing(naive, entry.shift) < 0) {
        *warnings |= WARN(SHIFT_UNKNOWN);
        if (document->close == NULL) {
            append(naive, (struct naive_entry){
                              .shift = entry.shift, .late = true, .closes = true, .completes = -1});
        } else {
            entry.closes = true;
        }
    }
    return entry;
}

struct naive_expected
naive_apply(struct naive *naive, const struct chek_document *document, int32_t completes)
{
    uint32_t warnings = 0;
    uint32_t number = number_of(document);
    struct naive_expected expected;
    if (completes >= 0) {
        expected = complete(naive, document, completes);
    } else {
        struct naive_entry entry = place(naive, document, &warnings);
        if (document->close != NULL && !entry.late) {
            int64_t cash = cash_after(naive, naive->count);
            entry.withdrawal = document->close->withdraw && cash > 0 ? cash : 0;
            entry.closes = true;
            naive->open = 0;
        }
        struct naive_entry *added = append(naive, entry);
        expected = (struct naive_expected){added->ordinal, added->shift, warnings};
    }
    if (number > naive->number_last + 1 && naive->number_last != 0) {
        expected.warnings |= WARN(DOCUMENT_GAP);
    }
    if (number > naive->number_last) {
        naive->number_last = number;
    }
    if (document->close == NULL && cash_after(naive, naive->count) < 0) {
        expected.warnings |= WARN(CASH_NEGATIVE);
    }
    const struct chek_receipt *receipt = document->receipt;
    if (receipt != NULL && receipt->payments_count == 0) {
        expected.warnings |= WARN(PAYMENTS_ABSENT);
    }
    return expected;
}

/* ---- reports ---------------------------------------------------------------------------------- */

/* The cells of a report while it is added up, by binding. */
struct cells {
    struct cell *cells[CELL_MAX];
    uint32_t count;
    struct naive_figures *figures;
};

static struct cell *
cell_of(struct cells *cells, uint16_t binding)
{
    for (uint32_t i = 0; i < cells->count; i++) {
        if (cells->cells[i]->binding == binding) {
            return cells->cells[i];
        }
    }
    CHEK_ASSERT(cells->count < CELL_MAX);
    struct cell *cell = calloc(1, sizeof *cell);
    CHEK_ASSERT(cell != NULL);
    cell->binding = binding;
    cell->figures = cells->figures;
    cells->cells[cells->count++] = cell;
    return cell;
}

static int
compare_cells(const void *a, const void *b)
{
    const struct cell *const *left = a;
    const struct cell *const *right = b;
    return (*right)->binding - (*left)->binding;
}

static void
cells_finish(struct cells *cells)
{
    qsort(cells->cells, cells->count, sizeof(struct cell *), compare_cells);
    for (uint32_t i = 1; i < cells->count; i++) {
        cell_merge(cells->cells[0], cells->cells[i]);
    }
    if (cells->count != 0) {
        cell_name_rows(cells->cells[0], cells->figures);
    }
    for (uint32_t i = 0; i < cells->count; i++) {
        free(cells->cells[i]);
    }
}

static void
entry_add(const struct naive *naive, struct cells *cells, const struct naive_entry *entry)
{
    if (entry->document == NULL) {
        return;
    }
    if (entry->document->close == NULL) {
        struct cell *cell = cell_of(cells, entry->binding);
        if (entry->completes >= 0) {
            document_add(cell, naive->entries[entry->completes].document, -1);
        }
        document_add(cell, entry->document, 1);
    }
    if (entry->withdrawal != 0) {
        add(cells->figures, 1, "movement.count/%u", CHEK_DIRECTION_WITHDRAWAL);
        add(cells->figures, entry->withdrawal, "movement.sum/%u", CHEK_DIRECTION_WITHDRAWAL);
    }
}

/* The part of shift `shift` that lies in the first `count` entries, which is not late. */
static void
body(const struct naive *naive, uint32_t shift, uint32_t count, struct naive_figures *ret)
{
    struct cells cells = {.figures = ret};
    int64_t last = 0;
    int64_t opened = 0;
    memset(ret, 0, sizeof *ret);
    for (uint32_t i = 0; i < count; i++) {
        const struct naive_entry *entry = &naive->entries[i];
        if (entry->shift != shift || entry->late) {
            continue;
        }
        entry_add(naive, &cells, entry);
        if (entry->document == NULL) {
            continue;
        }
        int64_t time = time_of(entry->document);
        last = time > last ? time : last;
        if (entry->completes < 0) {
            add(ret, 1, "documents");
        }
        if (entry->opens) {
            opened = time;
            add(ret, cash_after(naive, i), "cash_start");
            for (uint8_t op = 0; op < CHEK_OPERATION_COUNT; op++) {
                add(ret, sum_after(naive, i, op), "start/%u", op);
            }
        }
    }
    cells_finish(&cells);
    add(ret, opened, "opened");
    add(ret, last, "last");
    add(ret, shift, "shift");
    add(ret, cash_after(naive, count), "cash");
    for (uint8_t op = 0; op < CHEK_OPERATION_COUNT; op++) {
        add(ret, sum_after(naive, count, op), "now/%u", op);
    }
}

void
naive_open(const struct naive *naive, struct naive_figures *ret)
{
    body(naive, naive->open, naive->count, ret);
}

void
naive_frozen(const struct naive *naive, uint32_t shift, struct naive_figures *ret)
{
    int32_t closing = find_closing(naive, shift);
    CHEK_ASSERT(closing >= 0);
    const struct naive_entry *entry = &naive->entries[closing];
    if (entry->late) { /* nobody knows what was before */
        memset(ret, 0, sizeof *ret);
        const struct chek_document *first =
            entry->document != NULL ? entry->document : naive->entries[closing + 1].document;
        add(ret, time_of(first), "closed");
        add(ret, shift, "shift");
        return;
    }
    body(naive, shift, (uint32_t)closing + 1, ret);
    add(ret, entry->document != NULL ? time_of(entry->document) : value_of(ret, "last"), "closed");
}

void
naive_late(const struct naive *naive, uint32_t shift, uint32_t revision, struct naive_figures *ret)
{
    struct cells cells = {.figures = ret};
    uint32_t count = 0;
    int64_t last = 0;
    memset(ret, 0, sizeof *ret);
    for (uint32_t i = 0; i < naive->count && count < revision; i++) {
        const struct naive_entry *entry = &naive->entries[i];
        if (entry->shift != shift || !entry->late || entry->closes) {
            continue;
        }
        count += 1;
        entry_add(naive, &cells, entry);
        last = time_of(entry->document) > last ? time_of(entry->document) : last;
        add(ret, drawer(entry->document), "cash");
        if (entry->completes >= 0) {
            add(ret, -drawer(naive->entries[entry->completes].document), "cash");
        } else if (entry->document->receipt != NULL) {
            add(ret, entry->document->receipt->total, "now/%u",
                entry->document->receipt->operation);
        }
    }
    cells_finish(&cells);
    add(ret, last, "last");
    add(ret, shift, "shift");
    add(ret, revision, "revision");
    add(ret, revision, "documents");
}

/* ---- what the engine shows -------------------------------------------------------------------- */

static void
read_operation(const struct chek_report_operation *from, struct naive_figures *ret)
{
    unsigned op = from->operation;
    add(ret, from->tickets, "tickets/%u", op);
    add(ret, from->positions, "position.count/%u", op);
    add(ret, from->gross, "position.sum/%u", op);
    add(ret, from->net, "net/%u", op);
    add(ret, from->change, "change/%u", op);
    add(ret, from->offline, "offline/%u", op);
    add(ret, from->ticket_discount, "ticket_discount/%u", op);
    add(ret, from->ticket_markup, "ticket_markup/%u", op);
    if (from->discounts != NULL) {
        add(ret, from->discounts->count, "discount.count/%u", op);
        add(ret, from->discounts->sum, "discount.sum/%u", op);
    }
    if (from->markups != NULL) {
        add(ret, from->markups->count, "markup.count/%u", op);
        add(ret, from->markups->sum, "markup.sum/%u", op);
    }
    for (uint32_t i = 0; i < from->payments_count; i++) {
        add(ret, from->payments[i].count, "payment.count/%u/%u", op, from->payments[i].kind);
        add(ret, from->payments[i].sum, "payment.sum/%u/%u", op, from->payments[i].kind);
    }
}

static void
read_rows(const struct chek_report_row *rows, uint32_t count, const char *name,
          struct naive_figures *ret)
{
    for (uint32_t i = 0; i < count; i++) {
        char key[80];
        view_copy(key, sizeof key, rows[i].other ? chek_bytes_view_text("*") : rows[i].key);
        add(ret, rows[i].count, "%s.count/%s/%u", name, key, rows[i].operation);
        add(ret, rows[i].sum, "%s.sum/%s/%u", name, key, rows[i].operation);
    }
}

static void
read_taxes(const struct chek_report *report, struct naive_figures *ret)
{
    for (uint32_t i = 0; i < report->taxes_count; i++) {
        const struct chek_report_tax *tax = &report->taxes[i];
        char key[80];
        snprintf(key, sizeof key, "%u.%07u", tax->kind, tax->rate);
        if (tax->other) {
            snprintf(key, sizeof key, "*");
        }
        CHEK_ASSERT(tax->turnover_without_tax == tax->turnover - tax->sum);
        add(ret, tax->sum, "tax.sum/%s/%u", key, tax->operation);
        add(ret, tax->turnover, "tax.turnover/%s/%u", key, tax->operation);
    }
}

void
naive_read_report(const struct chek_report *report, struct naive_figures *ret)
{
    memset(ret, 0, sizeof *ret);
    for (uint32_t i = 0; i < report->operations_count; i++) {
        read_operation(&report->operations[i], ret);
    }
    read_rows(report->sections, report->sections_count, "section", ret);
    read_rows(report->operators, report->operators_count, "operator", ret);
    read_taxes(report, ret);
    for (uint32_t i = 0; i < report->movements_count; i++) {
        const struct chek_report_movement *movement = &report->movements[i];
        add(ret, movement->count, "movement.count/%u", movement->direction);
        add(ret, movement->offline, "movement.offline/%u", movement->direction);
        add(ret, movement->sum, "movement.sum/%u", movement->direction);
    }
    for (uint32_t i = 0; i < report->start_count; i++) {
        add(ret, report->start[i].sum, "start/%u", report->start[i].operation);
    }
    for (uint32_t i = 0; i < report->now_count; i++) {
        add(ret, report->now[i].sum, "now/%u", report->now[i].operation);
    }
    add(ret, report->cash, "cash");
    add(ret, report->cash_start, "cash_start");
    add(ret, report->revenue, "revenue");
    add(ret, report->opened, "opened");
    add(ret, report->closed, "closed");
    add(ret, report->last, "last");
    add(ret, report->documents, "documents");
    add(ret, report->shift, "shift");
    add(ret, report->revision, "revision");
}
