/* SPDX-License-Identifier: MIT */
/*
 * fns_report.c - which kind of document an object is, and reports of a drive: of them the number is
 * kept and nothing else (FFD.md R10).
 */
#include "engine/fiscal/check.h"
#include "ingest/fns_raw.h"

uint64_t
ingest__fns_code(const struct ingest__fns_raw *raw)
{
    uint64_t code = 0;
    if (raw->report != 0) {
        return raw->report;
    }
    bool named = raw->form != CHEK_FORM_RECEIPT || raw->is_close;
    return !named && ingest__fns_number(&raw->fields[FNS_CODE], UINT8_MAX, &code) == CHEK_OK ? code
                                                                                             : 0;
}

bool
ingest__fns_is_report(const struct ingest__fns_raw *raw)
{
    switch (ingest__fns_code(raw)) {
    case CHEK_FFD_REGISTRATION:
    case CHEK_FFD_SHIFT_OPEN:
    case CHEK_FFD_DRIVE_CLOSE:
    case CHEK_FFD_CONFIRMATION:
    case CHEK_FFD_REREGISTRATION:
    case CHEK_FFD_STATE_OF_SETTLEMENTS:
        return true;
    default:
        return false;
    }
}

int
ingest__fns_report(const struct ingest__fns_raw *raw, struct chek_arena *arena,
                   struct chek_document *ret, struct chek_fault *fault)
{
    struct chek_document document = {0};
    uint32_t warnings;
    uint64_t number = 0;
    struct chek_drive_report *report = chek_arena_take(arena, sizeof *report);
    if (report == NULL || raw->exhausted) {
        return ingest__fns_fault(fault, CHEK_E_LIMIT, CHEK_FIELD_DOCUMENT_DRIVE_REPORT, 0);
    }
    int error = ingest__fns_number(&raw->fields[FNS_DOCUMENT], UINT32_MAX, &number);
    if (error != CHEK_OK) {
        return ingest__fns_fault(fault, error, CHEK_FIELD_DRIVE_REPORT_DOCUMENT, 0);
    }
    *report = (struct chek_drive_report){.kind = (uint8_t)ingest__fns_code(raw),
                                         .document = (uint32_t)number};
    document.drive_report = report;
    error = ingest__fns_register(raw, arena, &document, fault);
    if (error == CHEK_OK) {
        error = chek_document_check(&document, &warnings, fault);
    }
    if (error == CHEK_OK) {
        *ret = document;
    }
    return error;
}
