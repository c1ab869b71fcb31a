/* SPDX-License-Identifier: MIT */
/*
 * chain.c - rows go into links.
 *
 * The worker that seals a set adds its rows, whose documents stand there as they came. Rows are not
 * hashed one by one: a receipt is little more than a block of BLAKE2b, and a hash of its own costs
 * three times as much as its bytes in a stream.
 */
#include "engine/store/chain.h"

#include <sodium.h>

#include "engine/base/assertion.h"
#include "engine/base/writer.h"

#define ROW_HEAD_SIZE_MAX 64

/* So that no other hash of the same bytes is a link. */
static const uint8_t link_personal[crypto_generichash_blake2b_PERSONALBYTES] = "chek link 1";

_Static_assert(sizeof(crypto_generichash_blake2b_state) + 63 <=
                   sizeof(((struct chek_chain_link *)NULL)->state),
               "the state of a link");

static crypto_generichash_blake2b_state *
state_of(struct chek_chain_link *link)
{
    uintptr_t at = ((uintptr_t)link->state + 63) & ~(uintptr_t)63;
    return (void *)at;
}

static void
update(struct chek_chain_link *link, struct chek_bytes_view bytes)
{
    int error = crypto_generichash_blake2b_update(state_of(link), bytes.bytes, bytes.size);
    CHEK_ASSERT(error == 0);
}

/*
 *   0  32   the link before     34  u64  number of the range     50  u32  rows
 *  32  u16  partition           42  u64  rows before it          54       the rows
 */
void
chek_chain_link_begin(struct chek_chain_link *link, const struct chek_chain *chain,
                      uint16_t partition, uint32_t row_count)
{
    uint8_t head[CHEK_CHAIN_SIZE + 22];
    struct chek_writer out = chek_writer_over(head, sizeof head);
    chek_writer_bytes(&out, chain->head, sizeof chain->head);
    chek_writer_u16(&out, partition);
    chek_writer_u64(&out, chain->range_count);
    chek_writer_u64(&out, chain->row_count);
    chek_writer_u32(&out, row_count);
    CHEK_ASSERT(!out.full && out.size == sizeof head);
    int error = crypto_generichash_blake2b_init_salt_personal(state_of(link), NULL, 0,
                                                              CHEK_CHAIN_SIZE, NULL, link_personal);
    CHEK_ASSERT(error == 0);
    update(link, chek_bytes_view_of(head, sizeof head));
    link->next = (struct chek_chain){.range_count = chain->range_count + 1,
                                     .row_count = chain->row_count + row_count};
    link->left = row_count;
}

/*
 *  number  registration       number  warnings        u64     received
 *  number  ordinal            number  binding         number  size of the document
 *  number  shift              u8      kind; 4 = late  number  size of the cell
 *  number  completes                                          the document, the cell
 */
void
chek_chain_link_add(struct chek_chain_link *link, const struct chek_row *row,
                    struct chek_bytes_view document)
{
    uint8_t head[ROW_HEAD_SIZE_MAX];
    struct chek_writer out = chek_writer_over(head, sizeof head);
    chek_writer_varint(&out, row->registration);
    chek_writer_varint(&out, row->ordinal);
    chek_writer_varint(&out, row->shift);
    chek_writer_varint(&out, row->completes);
    chek_writer_varint(&out, row->warnings);
    chek_writer_varint(&out, row->binding);
    chek_writer_u8(&out, (uint8_t)(row->kind | row->late << 2));
    chek_writer_u64(&out, row->received_us);
    chek_writer_varint(&out, document.size);
    chek_writer_varint(&out, row->cell.size);
    CHEK_ASSERT(!out.full && link->left > 0);
    update(link, chek_bytes_view_of(head, out.size));
    update(link, document);
    if (row->cell.size != 0) {
        update(link, row->cell);
    }
    link->left -= 1;
}

struct chek_chain
chek_chain_link_end(struct chek_chain_link *link)
{
    CHEK_ASSERT(link->left == 0);
    int error =
        crypto_generichash_blake2b_final(state_of(link), link->next.head, sizeof link->next.head);
    CHEK_ASSERT(error == 0);
    return link->next;
}
