package resure;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.actuate.endpoint.annotation.ReadOperation;
import org.springframework.boot.actuate.endpoint.annotation.WriteOperation;
import org.springframework.boot.actuate.endpoint.web.WebEndpointResponse;
import org.springframework.boot.actuate.endpoint.web.annotation.WebEndpoint;
import resure.backup.Backup;
import resure.backup.Backups;

/**
 * {@code /actuator/backup} on the management port: what backups there are, and by a POST another
 * one. It is of this process and its disk, as health is, and of no tenant; hence not under {@code
 * /v1}.
 */
@WebEndpoint(id = "backup")
final class BackupEndpoint implements AutoCloseable {

  private final @Nullable Backups backups;

  /** Of no backups when they are off. */
  BackupEndpoint(@Nullable Backups backups) {
    this.backups = backups;
  }

  @ReadOperation
  WebEndpointResponse<Map<String, Object>> backups() throws IOException {
    if (backups == null) {
      return off();
    }
    List<Map<String, Object>> all = backups.list().stream().map(BackupEndpoint::answer).toList();
    return new WebEndpointResponse<>(
        Map.of("directory", backups.directory().toString(), "backups", all));
  }

  @WriteOperation
  WebEndpointResponse<Map<String, Object>> make() {
    if (backups == null) {
      return off();
    }
    try {
      Backup made = backups.make();
      return made == null
          ? error("a backup is being made", 409)
          : new WebEndpointResponse<>(answer(made));
    } catch (IOException e) {
      return error("no backup was made: " + e, 500);
    }
  }

  private static Map<String, Object> answer(Backup backup) {
    return Map.of("name", backup.name(), "at", backup.at(), "bytes", backup.bytes());
  }

  private static WebEndpointResponse<Map<String, Object>> off() {
    return error(ResureProperties.BACKUP_DIRECTORY.name() + " is not set", 404);
  }

  private static WebEndpointResponse<Map<String, Object>> error(String error, int status) {
    return new WebEndpointResponse<>(Map.of("error", error), status);
  }

  @Override
  public void close() {
    if (backups != null) {
      backups.close();
    }
  }
}
