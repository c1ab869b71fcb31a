/* SPDX-License-Identifier: MIT */
/*
 * commands.h - the commands of chek, a row each.
 */
#ifndef CHEK_TOOLS_CHEK_COMMANDS_H
#define CHEK_TOOLS_CHEK_COMMANDS_H

#include "tools/chek/run.h"

extern const struct chek__command chek__command_token_add, chek__command_token_list,
    chek__command_token_revoke, chek__command_import, chek__command_export, chek__command_report_x,
    chek__command_report_z, chek__command_shifts, chek__command_receipts, chek__command_receipt,
    chek__command_analytics, chek__command_kkm_list, chek__command_kkm_show, chek__command_kkm_add,
    chek__command_kkm_token, chek__command_kkm_block, chek__command_kkm_unblock,
    chek__command_kkm_device, chek__command_operator_add, chek__command_operator_list,
    chek__command_operator_remove, chek__command_nomenclature_load,
    chek__command_nomenclature_remove, chek__command_nomenclature_show,
    chek__command_nomenclature_list, chek__command_status, chek__command_snapshot,
    chek__command_backup, chek__command_events, chek__command_verify, chek__command_gaps,
    chek__command_reconcile, chek__command_warnings, chek__command_marking,
    chek__command_person_erase, chek__command_person_erasures, chek__command_person_show,
    chek__command_person_receipts;

#endif
