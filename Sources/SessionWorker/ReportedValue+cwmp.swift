import CWMP
import DataModel

extension ReportedValue {
  /// An entry of a CWMP parameter list; nil where its name can be no parameter's.
  init?(_ item: ParameterList.Element) {
    guard let path = ParameterPath(reported: item.name), !path.isObject else { return nil }
    self.init(path: path, type: DataModel.ParameterType(wireName: item.type.qualifiedName), value: item.value)
  }
}
