// SPDX-License-Identifier: GPL-2.0
/*
 * Names for addresses, as kallsyms has them: those of the program's own
 * functions, static ones too, from its symbol table. The table is looked for
 * when the first name is asked for, by system calls alone, since that may be
 * in a signal handler.
 */
#include <linux/atomic.h>
#include <linux/kernel.h>
#include <shim.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/**
 * struct symbols - the program's symbol table
 * @sym: the symbols; NULL: there are none
 * @nr: how many
 * @names: their names
 * @bias: where the program has been loaded, from where it says it is
 */
struct symbols {
	const ElfW(Sym) * sym;
	unsigned long nr;
	const char *names;
	unsigned long bias;
};

static struct symbols table;

enum {
	TABLE_UNKNOWN,
	TABLE_BEING_READ,
	TABLE_READ,
};

static int table_state;

static const void *map_program(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	void *file = MAP_FAILED;
	struct stat st;

	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st))
		file = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	return file == MAP_FAILED ? NULL : file;
}

/* Where the program is: its headers know where they should be. */
static unsigned long find_bias(void)
{
	const ElfW(Phdr) *phdr = (void *)getauxval(AT_PHDR);
	unsigned long i, nr = getauxval(AT_PHNUM);

	for (i = 0; phdr && i < nr; i++)
		if (phdr[i].p_type == PT_PHDR)
			return (unsigned long)phdr - phdr[i].p_vaddr;
	return 0;
}

static void read_table(void)
{
	const char *file = map_program();
	const ElfW(Ehdr) *elf = (const void *)file;
	const ElfW(Shdr) * section;
	unsigned int i;

	if (!file)
		return;
	section = (const void *)(file + elf->e_shoff);
	for (i = 0; elf->e_shoff && i < elf->e_shnum; i++) {
		if (section[i].sh_type != SHT_SYMTAB)
			continue;
		table.sym = (const void *)(file + section[i].sh_offset);
		table.nr = section[i].sh_size / sizeof(*table.sym);
		table.names = file + section[section[i].sh_link].sh_offset;
		table.bias = find_bias();
	}
}

/**
 * shim_symbol() - the function that an address is in
 * @addr: the address
 * @offset: set to how far inside
 * @size: set to how large it is
 *
 * Return: its name, or NULL.
 */
const char *shim_symbol(unsigned long addr, unsigned long *offset,
			unsigned long *size)
{
	int state = TABLE_UNKNOWN;
	unsigned long i;

	if (try_cmpxchg(&table_state, &state, TABLE_BEING_READ)) {
		read_table();
		smp_store_release(&table_state, TABLE_READ);
	} else if (smp_load_acquire(&table_state) != TABLE_READ) {
		/* By another thread, or below this signal handler. */
		return NULL;
	}
	addr -= table.bias;
	for (i = 0; i < table.nr; i++) {
		const ElfW(Sym) *sym = &table.sym[i];

		if (ELF64_ST_TYPE(sym->st_info) != STT_FUNC ||
		    addr - sym->st_value >= sym->st_size)
			continue;
		*offset = addr - sym->st_value;
		*size = sym->st_size;
		return table.names + sym->st_name;
	}
	return NULL;
}
