/* SPDX-License-Identifier: MIT */
/*
 * retention.c - documents are removed, as far as the state says.
 *
 * Which ones a command names by ordinal: apply knows no clock, and does not look at rows. What becomes
 * of their bytes is the store's, some time later.
 */
#include "engine/base/assertion.h"
#include "engine/fiscal/prove.h"
#include "engine/partition/state.h"

static const struct partition__retention *
retention_read(const struct chek_partition *partition)
{
    static const struct partition__retention none;
    const struct partition__root *root = chek_page_heap_root(&partition->heap);
    return root->retention != 0 ? chek_page_heap_read(&partition->heap, root->retention) : &none;
}

struct chek_retention
chek_partition_retention(const struct chek_partition *partition)
{
    const struct partition__retention *retention = retention_read(partition);
    return (struct chek_retention){retention->border_us, retention->row_count};
}

bool
partition__retention_is_valid(const struct chek_partition *partition)
{
    const struct partition__root *root = chek_page_heap_root(&partition->heap);
    if (root->retention == 0) {
        return true;
    }
    return chek_page_heap_holds(&partition->heap, root->retention,
                                sizeof(struct partition__retention)) &&
           retention_read(partition)->row_count <= root->fiscal.document_count;
}

/* Whether the command fits what there is; nothing has changed. */
static bool
retain_fits(const struct chek_partition *partition, const struct chek_command_retain *what)
{
    const struct partition__root *root = chek_page_heap_root(&partition->heap);
    const struct partition__retention *before = retention_read(partition);
    for (uint32_t i = 0; i < what->registers_count; i++) {
        const struct chek_retained *retained = &what->registers[i];
        uint32_t known = chek_fiscal_row_count(&partition->fiscal, retained->registration);
        if (retained->ordinal == 0 || retained->ordinal > known ||
            retained->ordinal < chek_fiscal_removed(&partition->fiscal, retained->registration)) {
            return false;
        }
    }
    return what->border == 0 ? what->rows == 0
                             : what->border > before->border_us && what->rows > before->row_count &&
                                   what->rows <= root->fiscal.document_count;
}

int
partition__apply_retain(struct chek_partition *partition, const struct chek_command *command)
{
    struct chek_command_retain what;
    int error = chek_command_retain_decode_whole(command->body.bytes, command->body.size,
                                                 &partition->decode, &what, NULL);
    if (error != CHEK_OK || !retain_fits(partition, &what)) {
        return CHEK_E_CORRUPT;
    }
    for (uint32_t i = 0; i < what.registers_count; i++) {
        bool is_done = chek_fiscal_remove(&partition->fiscal, what.registers[i].registration,
                                          what.registers[i].ordinal);
        CHEK_ASSERT(is_done);
    }
    if (what.border == 0) {
        return CHEK_OK;
    }
    struct partition__root *root = chek_page_heap_root_change(&partition->heap);
    if (root->retention == 0) {
        root->retention =
            chek_page_heap_allocate(&partition->heap, sizeof(struct partition__retention));
        CHEK_ASSERT(root->retention != 0); /* chek_partition_ensure() made room for it */
    }
    struct partition__retention *retention =
        chek_page_heap_change(&partition->heap, root->retention);
    retention->border_us = what.border;
    retention->row_count = what.rows;
    return CHEK_OK;
}
