/* SPDX-License-Identifier: MIT */
/*
 * error.c - texts and names of errors, from the one table in error.h.
 *
 * The kernel's texts come from glibc's tables (strerrordesc_np(3)): static, untranslated and safe
 * on any thread, which strerror() is not.
 */
#include "engine/base/error.h"

#include <string.h>

#define ERRNO_MAX 4095

struct error_row {
    const char *name;
    const char *text;
};

static bool
error_is_kernel(int error)
{
    return error < 0 && error >= -ERRNO_MAX;
}

static const struct error_row *
error_find(int error)
{
    static const struct error_row ok = {"OK", "success"};
#define ERROR_CASE(name, number, text)                     \
    case -(number): {                                      \
        static const struct error_row row = {#name, text}; \
        return &row;                                       \
    }
    switch (error) {
    case CHEK_OK:
        return &ok;
        CHEK_ERRORS(ERROR_CASE)
    default:
        return NULL;
    }
#undef ERROR_CASE
}

const char *
chek_error_text(int error)
{
    const struct error_row *row = error_find(error);
    const char *text = row != NULL ? row->text : NULL;
    if (error_is_kernel(error)) {
        text = strerrordesc_np(-error);
    }
    return text != NULL ? text : "unknown error";
}

const char *
chek_error_name(int error)
{
    const struct error_row *row = error_find(error);
    const char *name = row != NULL ? row->name : NULL;
    if (error_is_kernel(error)) {
        name = strerrorname_np(-error);
    }
    return name != NULL ? name : "UNKNOWN";
}
