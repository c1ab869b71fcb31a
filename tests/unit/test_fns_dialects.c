/* SPDX-License-Identifier: MIT */
/* test_fns_dialects.c - receipts of every dialect: those of tests/samples, and real ones. */
#include <stdio.h>
#include <stdlib.h>

#include "ingest/fns_json.h"
#include "tests/unit/fns_fixture.h"
#include "tests/unit/table.h"

#define FILE_SIZE_MAX 65536

static size_t
file_read(const char *path, char *bytes, size_t size_max)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t size = fread(bytes, 1, size_max, file);
    assert_int_equal(ferror(file), 0);
    (void)fclose(file);
    return size;
}

/* ---- samples ---------------------------------------------------------------------------------- */

static struct sample_case {
    const char *name, *file, *want;
} samples[] = {
    {"export", "tests/samples/export.json",
     "9999078900000001 0000000001000001 inn 0000000027 at 000001, г. Образцовый, ул"
     ". Первая, 1\n"
     "sell 2021-06-15T10:29:00 shift 4/45 fd 541 fp 2318389901 total 23190 cash 200"
     "00 card 3190 by ИВАНОВА А. А.\n"
     "  Хлеб ржаной 2000000*10000=20000 4/1 vat10:1818\n"
     "  Пакет \"майка\" 1000000*3190=3190 шт 4/1 vat20:532\n"
     "9999078900000001 0000000001000001 inn 0000000027 at 000001, г. Образцовый, ул"
     ". Первая, 1\n"
     "sell_return 2021-06-15T18:00:30 shift 4/46 fd 542 fp 17 total 10000 cash 1000"
     "0 by ИВАНОВА А. А.\n"
     "  Хлеб ржаной 1000000*10000=10000 4/1 vat10:909"},
    {"v1_api", "tests/samples/v1_api.json",
     "9999078900000002 0000000002000002 inn 0000000035 at г. Образцовый, ул. Вторая"
     ", дом № 2\n"
     "sell 2018-05-18T22:05:00 shift 12/3 fd 77 fp 408618100 total 41667 card 41667"
     " vat18:3000/19667 vat10:2000/22000 by КАССИР\n"
     "  Крупа 1000000*19667=19667\n"
     "  Рыба 500000*44000=22000"},
    {"checking_service", "tests/samples/checking_service.json",
     "9999078900000003 0000000003000003 00100000000003 inn 0000000027 at 680000, кр"
     "ай Образцовый, г.о. ~f2b39a8e43515953\n"
     "sell 2024-09-17T18:01:00 shift 205/217 fd 30526 fp 1168453700 total 29700 cas"
     "h 9700 card 20000 vat10:2249/24738 no0:0/5000 by КАССИР\n"
     "  *Тыква                       1кг 2474000*9999=24738 кг 4/1\n"
     "  Услуга 1000000*5000=5000 шт 4/4"},
    {"cabinet", "tests/samples/cabinet.json",
     "9999078900000004 0000000004000004 inn 0000000043 at г. Образцовый\n"
     "sell 2026-01-29T17:46:00 shift 45/5032 fd 167117 fp 1738302100 total 67927 ca"
     "rd 67927 ex10:593/6527 ex22:11072/61400 by Кассир to buyer@example.invalid\n"
     "   65270000*100=6527 3/10\n"
     "   614000000*100=61400 3/10"},
    {"cabinet_whole", "tests/samples/cabinet_whole.json",
     "9999078900000004 0000000004000004 inn 0000000043\n"
     "sell 2026-01-29T17:50:00 shift 45/0 fd 167118 fp 1738302101 total 10000 cash "
     "10000\n"
     "  Книга 1000000*10000=10000 no0:0"},
    {"vending", "tests/samples/vending.json",
     "9999078900000005 0000000005000005 inn 0000000051 at Образцовый, д.1\n"
     "sell 2023-02-04T21:27:05 shift 158/704 fd 153832 fp 2693375500 total 3000 car"
     "d 3000 to +70000000000\n"
     "  Сухарики 1000000*3000=3000 4/0 no0:0"},
    {"marked", "tests/samples/marked.json",
     "9999078900000006 0000000006000006 0100000000000006 inn 0000000027 at г. Образ"
     "цовый\n"
     "sell 2026-08-03T16:44:00 shift 245/73 fd 4711 fp 3576585500 total 18800 card "
     "18800 vat10:600/6600 vat22:2200/12200\n"
     "  Вода 1л 1000000*12200=12200 шт 4/33 gtin 4600000000015 mark 010460000000001"
     "5215OoyE8qxeIOn>\n"
     "  Творог 1000000*5500=5500 шт 4/33 gtin 4600000000022 mark 010460000000002221"
     "5UA:lm\n"
     "  Сырок 1000000*1100=1100 gtin 4600000000039"},
    {"operator", "tests/samples/operator.json",
     "9999078900000007 0000000007000007 inn 0000000060 at Киоск\n"
     "sell 2020-09-14T06:17:00 shift 2/1 fd 10 fp 44837143 total 700 prepaid 500 cr"
     "edit 150 provision 50\n"
     "  Набор 1000000*1000=1000 vat20:167\n"
     "  storno Набор 1000000*300=300 vat20:50\n"
     "9999078900000007 0000000007000007 inn 0000000060 at Киоск\n"
     "buy bso 2020-09-14T06:30:00 shift 2/0 fd 11 fp 44837144 total 900 cash 900\n"
     "  Сдача стекла 1000000*900=900 no0:0/900\n"
     "9999078900000007 0000000007000007 inn 0000000060\n"
     "sell correction 2020-09-14T06:40:00 shift 2/0 fd 12 fp 44837145 total 1200 ca"
     "rd 1200 vat20:200/1200\n"
     "9999078900000007 0000000007000007 inn 0000000060\n"
     "close 2020-09-14T08:00:00 shift 2 fd 13 fp 44837146 by СТАРШИЙ"},
    {"marking_system", "tests/samples/marking_system.json",
     "9999078900000008 0000000008000008 inn 0000000078\n"
     "sell 2023-12-03T23:19:00 shift 9/0 fd 10027 fp 3516337400 total 15000 cash 15"
     "000 vat20:2500/15000\n"
     "  Табак 1000000*15000=15000 gtin 4600000000046 mark 00000046198488XabcdefgMRC"
     "1"},
    {"refused", "tests/samples/refused.json",
     "at 1: TOTAL_MISMATCH receipt.total[0]\n"
     "at 294: NUMBER receipt.total[0]\n"
     "9999078900000009 0000000009000009 inn 0000000086\n"
     "sell 2024-01-01T10:00:00 shift 1/0 fd 3 fp 5 total 100 cash 100\n"
     "  a 1000000*100=100"},
};

static void
test_fns_json_sample(void **state)
{
    const struct sample_case *c = *state;
    static struct fns_text text;
    char bytes[FILE_SIZE_MAX];
    size_t size = file_read(c->file, bytes, sizeof bytes);
    assert_error(fns_read(bytes, size, size, &text), CHEK_OK);
    assert_string_equal(text.bytes, c->want);
}

/* Whatever the pieces, the documents are the same. */
static void
test_fns_json_pieces(void **state)
{
    const struct sample_case *c = *state;
    static struct fns_text text;
    char bytes[FILE_SIZE_MAX];
    size_t size = file_read(c->file, bytes, sizeof bytes);
    for (size_t piece = 1; piece < 40; piece += piece < 5 ? 1 : 7) {
        assert_error(fns_read(bytes, size, piece, &text), CHEK_OK);
        assert_string_equal(text.bytes, c->want);
    }
}

/* ---- real receipts ---------------------------------------------------------------------------- */

static struct real_case {
    const char *name, *file;
    unsigned document_count;
} reals[] = {
    {"real_checking_service", "checktool_agrotorg_2024_proverkacheka.json", 1},
    {"real_rate_of_22_percent", "manual_agrotorg_2026_nds22.json", 1},
    {"real_v1_api", "manual_magnit_2020_v1api.json", 1},
    {"real_vending", "manual_tatvend_2023_epoch_utc.json", 1},
    {"real_cabinet", "manual_vkusvill_2026_roubles_advance.json", 1},
    {"real_of_2017_in_utc", "../rawdata/r1_assorti_2017.json", 1},
    {"real_of_2018", "../rawdata/r2_2018_ffd105.json", 1},
    {"real_of_2018_with_taxes_by_line", "../rawdata/r3_2018_ffd10_container.json", 1},
    {"real_of_2018_bare", "../rawdata/r4_agrotorg_2018.json", 1},
    {"real_of_2020", "../rawdata/r5_perekrestok_2020.json", 1},
    {"real_export_of_26", "xmb1pb_extract_26_receipts_ffd105_2021.json", 26},
};

static int
on_counted(void *context, uint64_t offset, const struct chek_document *document, uint32_t warnings)
{
    uint32_t *count = context;
    (void)offset;
    (void)warnings;
    *count += document->receipt->lines_count;
    return CHEK_OK;
}

/* None of them may be refused. */
static int
on_refused(void *context, uint64_t offset, const struct chek_fault *fault, const char *why)
{
    (void)context;
    fail_msg("at %u: %s %s", (unsigned)offset, chek_error_name(fault->code), why);
    return CHEK_OK;
}

static void
test_fns_json_real(void **state)
{
    const struct real_case *c = *state;
    const char *vectors = getenv("CHEK_VECTORS");
    if (vectors == NULL) {
        print_message("CHEK_VECTORS names no folder\n");
        skip();
    }
    static char bytes[1 << 20];
    char path[512];
    (void)snprintf(path, sizeof path, "%s/ru/json/%s", vectors, c->file);
    uint32_t lines = 0;
    const struct chek_fns_json_sink sink = {&lines, on_counted, on_refused, NULL};
    struct chek_fns_json *reader;
    size_t size = file_read(path, bytes, sizeof bytes);
    assert_error(chek_fns_json_create(&sink, &reader), CHEK_OK);
    assert_error(chek_fns_json_read(reader, bytes, size), CHEK_OK);
    assert_error(chek_fns_json_end(reader), CHEK_OK);
    assert_int_equal(chek_fns_json_count(reader), c->document_count);
    assert_in_range(lines, c->document_count, 999999);
    chek_fns_json_destroy(reader);
}

int
main(void)
{
    static struct table table;
    TABLE_ROWS(&table, test_fns_json_sample, samples);
    TABLE_ROWS(&table, test_fns_json_pieces, samples);
    TABLE_ROWS(&table, test_fns_json_real, reals);
    return table_run(&table, "fns_dialects");
}
