import CWMP
import DataModel
import EventLog
import Fleet

// Tasks as RPCs.
extension Fold {
  /// The RPC of a task; nil where it cannot be written for this device.
  func rpc(_ task: RPCTask, _ key: String) -> CWMPRequest? {
    switch task.request {
    case .getRPCMethods: .getRPCMethods
    case .getParameterNames(let path, let nextLevel): .getParameterNames(path: path, nextLevel: nextLevel)
    case .getParameterValues(let names): .getParameterValues(names: names)
    case .getParameterAttributes(let names): .getParameterAttributes(names: names)
    case .setParameterValues(let settings, let parameterKey):
      .setParameterValues(settings.map { value($0) }, parameterKey: parameterKey)
    case .setParameterAttributes(let settings):
      .setParameterAttributes(
        settings.map {
          AttributeChange($0.name, notification: $0.notification, accessList: $0.accessList)
        })
    case .addObject(let path): .addObject(path: path, parameterKey: "")
    case .deleteObject(let path): .deleteObject(path: path, parameterKey: "")
    case .reboot: .reboot(commandKey: key)
    case .factoryReset: .factoryReset
    case .download(let transfer):
      .download(
        DownloadArguments(
          commandKey: key, fileType: transfer.fileType, url: transfer.url, username: transfer.username,
          password: transfer.password, fileSize: transfer.fileSize, targetFileName: transfer.targetFileName,
          delaySeconds: transfer.delaySeconds))
    case .scheduleInform(let delay): .scheduleInform(delaySeconds: delay, commandKey: key)
    case .giveCredentials(let keep):
      credentialSettings(keepManagementServer: keep).map {
        .setParameterValues($0.map { value($0) }, parameterKey: "")
      }
    }
  }

  /// The type is the task's, else the twin's, else string (item 45).
  private func value(_ setting: TaskRequest.Setting) -> ParameterValue {
    let name =
      setting.type ?? ParameterPath(reported: setting.name).flatMap { state.twin.lookup($0).entry?.type?.wireName }
    let type = name.flatMap { CWMP.ParameterType(qualifiedName: $0) } ?? .string
    return ParameterValue(setting.name, setting.value, type: type)
  }
}
