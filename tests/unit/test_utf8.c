/* SPDX-License-Identifier: MIT */
/*
 * test_utf8.c - the edges of every row of RFC 3629's table, at every place in a text.
 */
#include "engine/base/utf8.h"

#include "tests/unit/table.h"

static struct valid_case {
    const char *name;
    const char *bytes;
    size_t size;
    bool valid;
    size_t width;
} valid_cases[] = {
    {"empty", "", 0, true, 0},
    {"ascii", "receipt", 7, true, 7},
    {"cyrillic", "\xd1\x87\xd0\xb5\xd0\xba", 6, true, 3},
    {"kazakh", "\xd2\x9b\xd0\xb0\xd0\xb7\xd0\xb0\xd2\x9b", 10, true, 5},
    {"tenge_sign", "\xe2\x82\xb8", 3, true, 1},
    {"control_bytes_are_text", "\x01\x7f", 2, true, 2},
    {"nul", "a\0b", 3, false, 0},
    {"nul_alone", "", 1, false, 0},
    {"first_of_two_bytes", "\xc2\x80", 2, true, 1},
    {"last_of_two_bytes", "\xdf\xbf", 2, true, 1},
    {"first_of_three_bytes", "\xe0\xa0\x80", 3, true, 1},
    {"last_before_surrogates", "\xed\x9f\xbf", 3, true, 1},
    {"first_behind_surrogates", "\xee\x80\x80", 3, true, 1},
    {"last_of_three_bytes", "\xef\xbf\xbf", 3, true, 1},
    {"first_of_four_bytes", "\xf0\x90\x80\x80", 4, true, 1},
    {"last_code_point", "\xf4\x8f\xbf\xbf", 4, true, 1},
    {"long_form_c0", "\xc0\x80", 2, false, 0},
    {"long_form_c1", "\xc1\xbf", 2, false, 0},
    {"long_form_e0", "\xe0\x9f\xbf", 3, false, 0},
    {"long_form_f0", "\xf0\x8f\xbf\xbf", 4, false, 0},
    {"first_surrogate", "\xed\xa0\x80", 3, false, 0},
    {"last_surrogate", "\xed\xbf\xbf", 3, false, 0},
    {"above_the_last_code_point", "\xf4\x90\x80\x80", 4, false, 0},
    {"lead_f5", "\xf5\x80\x80\x80", 4, false, 0},
    {"lead_ff", "\xff", 1, false, 0},
    {"tail_alone", "\x80", 1, false, 0},
    {"tail_alone_bf", "\xbf", 1, false, 0},
    {"two_bytes_cut", "\xd1", 1, false, 0},
    {"three_bytes_cut", "\xe2\x82", 2, false, 0},
    {"four_bytes_cut", "\xf0\x9f\x98", 3, false, 0},
    {"second_byte_is_ascii", "\xd1\x41", 2, false, 0},
    {"third_byte_is_ascii", "\xe2\x82\x41", 3, false, 0},
    {"fourth_byte_is_ascii", "\xf0\x9f\x98\x41", 4, false, 0},
    {"third_byte_is_a_lead", "\xe2\x82\xc2", 3, false, 0},
    {"windows_1251", "\xf7\xe5\xea", 3, false, 0},
};

/* At every offset of a longer text, so that it meets both the eight-byte steps and the rest. */
static void
test_utf8_is_valid(void **state)
{
    const struct valid_case *c = *state;
    for (size_t before = 0; before <= 17; before++) {
        for (size_t behind = 0; behind <= 17; behind++) {
            uint8_t text[64];
            memset(text, 'a', sizeof text);
            memcpy(text + before, c->bytes, c->size);
            struct chek_bytes_view view = chek_bytes_view_of(text, before + c->size + behind);
            assert_int_equal(chek_utf8_is_valid(view), c->valid);
            if (c->valid) {
                assert_int_equal(chek_utf8_width(view), before + c->width + behind);
            }
        }
    }
}

static struct clip_case {
    const char *name;
    const char *text;
    size_t size_max, size;
} clip_cases[] = {
    {"clip_fits", "abc", 3, 3},
    {"clip_has_room", "abc", 9, 3},
    {"clip_ascii", "abc", 2, 2},
    {"clip_to_nothing", "abc", 0, 0},
    {"clip_between_two_letters", "\xd1\x87\xd0\xb5", 2, 2},
    {"clip_within_a_letter", "\xd1\x87\xd0\xb5", 3, 2},
    {"clip_within_the_first_letter", "\xd1\x87\xd0\xb5", 1, 0},
    {"clip_within_four_bytes", "a\xf0\x9f\x98\x80", 4, 1},
    {"clip_behind_four_bytes", "a\xf0\x9f\x98\x80z", 5, 5},
};

static void
test_utf8_clip(void **state)
{
    const struct clip_case *c = *state;
    struct chek_bytes_view text = chek_bytes_view_text(c->text);
    struct chek_bytes_view got = chek_utf8_clip(text, c->size_max);
    assert_ptr_equal(got.bytes, text.bytes);
    assert_int_equal(got.size, c->size);
    assert_true(chek_utf8_is_valid(got));
}

int
main(void)
{
    struct table table = {.count = 0};
    TABLE_ROWS(&table, test_utf8_is_valid, valid_cases);
    TABLE_ROWS(&table, test_utf8_clip, clip_cases);
    return table_run(&table, "utf8");
}
