/* SPDX-License-Identifier: MIT */
#include "tools/chek/json_line.h"

#include <errno.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#define NAME_SIZE_MAX 64 /* longer ones are known to nobody */

struct reading {
    chek__json_value_fn on_value;
    void *context;
    char name[NAME_SIZE_MAX];
    bool is_open;
    int error;
};

static int
on_open(void *context)
{
    struct reading *reading = context;
    bool is_inside = reading->is_open;
    reading->is_open = true;
    return !is_inside;
}

static int
on_name(void *context, const unsigned char *bytes, size_t size)
{
    struct reading *reading = context;
    size_t kept = size < NAME_SIZE_MAX ? size : NAME_SIZE_MAX - 1;
    memcpy(reading->name, bytes, kept);
    reading->name[kept] = 0;
    return 1;
}

static int
on_text(void *context, const unsigned char *bytes, size_t size)
{
    struct reading *reading = context;
    if (!reading->is_open) {
        return 0;
    }
    reading->error = reading->on_value(reading->context, chek_bytes_view_text(reading->name),
                                       chek_bytes_view_of(bytes, size));
    return reading->error == CHEK_OK;
}

static int
on_number(void *context, const char *text, size_t size)
{
    return on_text(context, (const unsigned char *)text, size);
}

static int
on_flag(void *context, int is_true)
{
    const char *text = is_true ? "true" : "false";
    return on_text(context, (const unsigned char *)text, strlen(text));
}

static int
on_null(void *context)
{
    return ((struct reading *)context)->is_open;
}

static int
on_list(void *context)
{
    (void)context;
    return 0;
}

int
chek__json_line_read(struct chek_bytes_view line, chek__json_value_fn on_value, void *context)
{
    static const yajl_callbacks callbacks = {.yajl_null = on_null,
                                             .yajl_boolean = on_flag,
                                             .yajl_number = on_number,
                                             .yajl_string = on_text,
                                             .yajl_start_map = on_open,
                                             .yajl_map_key = on_name,
                                             .yajl_start_array = on_list};
    struct reading reading = {.on_value = on_value, .context = context};
    yajl_handle parser = yajl_alloc(&callbacks, NULL, &reading);
    if (parser == NULL) {
        return -ENOMEM;
    }
    yajl_status status = yajl_parse(parser, line.bytes, line.size);
    if (status == yajl_status_ok) {
        status = yajl_complete_parse(parser);
    }
    yajl_free(parser);
    return reading.error != CHEK_OK   ? reading.error
           : status == yajl_status_ok ? CHEK_OK
                                      : CHEK_E_MAGIC;
}
