"""From a local authority's special-educational-needs cases to DfE's SEN2 return."""
