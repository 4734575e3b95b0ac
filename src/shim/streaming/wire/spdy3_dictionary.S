/* The dictionary that SPDY/3 header blocks are compressed with (SPDY protocol draft 3, 2.6.10.1). */
    .section .rodata
    .global dockershimd_spdy3_dictionary
    .global dockershimd_spdy3_dictionary_end
dockershimd_spdy3_dictionary:
    .incbin DICTIONARY_FILE
dockershimd_spdy3_dictionary_end:
    .byte 0
    .section .note.GNU-stack, "", @progbits
