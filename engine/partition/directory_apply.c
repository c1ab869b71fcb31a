/* SPDX-License-Identifier: MIT */
/*
 * directory_apply.c - the commands of partition 0, for the partition and for every shard's copy.
 *
 * A copy is told the very bytes that were logged, so that all copies go through the same states.
 */
#include "engine/base/assertion.h"
#include "engine/partition/partition.h"

static int
apply_claim(struct chek_directory *directory, const struct chek_command *command,
            struct chek_arena *decode, struct chek_arena *scratch, struct chek_outcome *ret)
{
    struct chek_command_claim claim;
    struct chek_fault fault;
    int error = chek_command_claim_decode_whole(command->body.bytes, command->body.size, decode,
                                                &claim, &fault);
    if (error != CHEK_OK) {
        return CHEK_E_CORRUPT;
    }
    ret->claimed = chek_arena_take(scratch, claim.registers_count * sizeof *ret->claimed);
    CHEK_ASSERT(ret->claimed != NULL);
    ret->claimed_count = claim.registers_count;
    for (uint32_t i = 0; i < claim.registers_count; i++) {
        chek_directory_claim(directory, &claim.registers[i], &ret->claimed[i]);
    }
    return CHEK_OK;
}

static int
apply_principal(struct chek_directory *directory, const struct chek_command *command,
                struct chek_arena *decode, struct chek_outcome *ret)
{
    struct chek_command_principal what;
    struct chek_fault fault;
    int error = chek_command_principal_decode_whole(command->body.bytes, command->body.size, decode,
                                                    &what, &fault);
    if (error != CHEK_OK || what.hash.size != CHEK_TOKEN_HASH_SIZE ||
        what.principal->principal != chek_directory_principal_next(directory)) {
        return CHEK_E_CORRUPT;
    }
    chek_directory_principal(directory, &what);
    ret->principal = what.principal->principal;
    return CHEK_OK;
}

static int
apply_revoke(struct chek_directory *directory, const struct chek_command *command,
             struct chek_arena *decode, struct chek_outcome *ret)
{
    struct chek_command_revoke what;
    struct chek_fault fault;
    int error = chek_command_revoke_decode_whole(command->body.bytes, command->body.size, decode,
                                                 &what, &fault);
    if (error != CHEK_OK) {
        return CHEK_E_CORRUPT;
    }
    ret->principal = what.principal;
    ret->error = chek_directory_revoke(directory, what.principal);
    return CHEK_OK;
}

int
chek_directory_apply(struct chek_directory *directory, const struct chek_command *command,
                     struct chek_arena *decode, struct chek_arena *scratch,
                     struct chek_outcome *ret)
{
    switch (command->envelope.kind) {
    case CHEK_COMMAND_PRINCIPAL:
        return apply_principal(directory, command, decode, ret);
    case CHEK_COMMAND_REVOKE:
        return apply_revoke(directory, command, decode, ret);
    case CHEK_COMMAND_CLAIM:
        return apply_claim(directory, command, decode, scratch, ret);
    default:
        return CHEK_E_CORRUPT;
    }
}
