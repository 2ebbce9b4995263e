package resure.journal;

/** The stand-in keeps what the kit promises; it has nothing to be opened again from. */
class InMemoryRowsTest extends RunRowsContract {

  private final InMemoryJournal journal = new InMemoryJournal();

  @Override
  protected Journal open() {
    return journal;
  }

  @Override
  protected Journal reopen() throws Exception {
    journal.reopen();
    return journal;
  }
}
