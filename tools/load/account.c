/* SPDX-License-Identifier: MIT */
#include "tools/load/account.h"

#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"

#define SAMPLED_CELL_COUNT \
    (CHEK_ACCOUNT_SAMPLE_COUNT_MAX * CHEK_ACCOUNT_SHIFT_COUNT_MAX * CHEK_OPERATION_COUNT)

static size_t
cells_size(const struct chek_account *account)
{
    return (size_t)account->register_count * CHEK_OPERATION_COUNT * sizeof *account->cells;
}

int
chek_account_init(struct chek_account *account, uint32_t register_count)
{
    *account = (struct chek_account){.register_count = register_count};
    account->sample_count = register_count < CHEK_ACCOUNT_SAMPLE_COUNT_MAX
                                ? register_count
                                : CHEK_ACCOUNT_SAMPLE_COUNT_MAX;
    account->sample_step = register_count / account->sample_count;
    account->cells = chek_memory_allocate(cells_size(account));
    account->sampled_cells =
        chek_memory_allocate(SAMPLED_CELL_COUNT * sizeof *account->sampled_cells);
    account->sampled_shifts =
        chek_memory_allocate(CHEK_ACCOUNT_SAMPLE_COUNT_MAX * sizeof *account->sampled_shifts);
    if (account->cells == NULL || account->sampled_cells == NULL ||
        account->sampled_shifts == NULL) {
        chek_account_finish(account);
        return -ENOMEM;
    }
    return CHEK_OK;
}

void
chek_account_finish(struct chek_account *account)
{
    chek_memory_free(account->cells, cells_size(account));
    chek_memory_free(account->sampled_cells, SAMPLED_CELL_COUNT * sizeof *account->sampled_cells);
    chek_memory_free(account->sampled_shifts,
                     CHEK_ACCOUNT_SAMPLE_COUNT_MAX * sizeof *account->sampled_shifts);
    *account = (struct chek_account){0};
}

static void
cell_add(struct chek_account_cell *cell, const struct chek_workload_document *document)
{
    cell->tickets += 1;
    cell->positions += document->line_count;
    cell->offline += document->is_offline;
    cell->net += document->total;
    cell->tax += document->tax;
    cell->payment_counts[document->payment] += 1;
    cell->payment_sums[document->payment] += document->total;
}

static size_t
sampled_index(uint32_t sample, uint32_t shift, uint8_t operation)
{
    return ((size_t)sample * CHEK_ACCOUNT_SHIFT_COUNT_MAX + shift - 1) * CHEK_OPERATION_COUNT +
           operation;
}

static void
sample_add(struct chek_account *account, uint32_t sample,
           const struct chek_workload_document *document)
{
    if (document->shift > CHEK_ACCOUNT_SHIFT_COUNT_MAX) {
        return;
    }
    if (document->is_close) {
        account->sampled_shifts[sample] = document->shift;
    } else {
        cell_add(
            &account->sampled_cells[sampled_index(sample, document->shift, document->operation)],
            document);
    }
}

void
chek_account_add(struct chek_account *account, const struct chek_workload_document *document)
{
    uint32_t index = document->register_index;
    if (document->fate != CHEK_WORKLOAD_NEW) {
        return;
    }
    if (!document->is_close) {
        cell_add(&account->cells[(size_t)index * CHEK_OPERATION_COUNT + document->operation],
                 document);
    }
    if (index % account->sample_step == 0 && index / account->sample_step < account->sample_count) {
        sample_add(account, index / account->sample_step, document);
    }
}

const struct chek_account_cell *
chek_account_cell(const struct chek_account *account, uint32_t register_index, uint8_t operation)
{
    CHEK_ASSERT(register_index < account->register_count && operation < CHEK_OPERATION_COUNT);
    return &account->cells[(size_t)register_index * CHEK_OPERATION_COUNT + operation];
}

const struct chek_account_cell *
chek_account_sampled_cell(const struct chek_account *account, uint32_t sample, uint32_t shift,
                          uint8_t operation)
{
    CHEK_ASSERT(sample < account->sample_count && operation < CHEK_OPERATION_COUNT);
    CHEK_ASSERT(shift >= 1 && shift <= CHEK_ACCOUNT_SHIFT_COUNT_MAX);
    return &account->sampled_cells[sampled_index(sample, shift, operation)];
}
